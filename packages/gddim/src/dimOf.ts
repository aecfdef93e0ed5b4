import { check } from "@etalon/errors";

/** How many samples of `dim` elements an array holds. @throws EtalonError OUT_OF_RANGE: dim; BAD_SHAPE: a length that is no multiple of it */
export function dimOf(values: ArrayLike<number>, dim: number): number {
  check.count("dim", dim);
  check.that(values.length > 0 && values.length % dim === 0, "BAD_SHAPE", {
    argument: "next",
    value: values,
    allowed: `a multiple of dim = ${dim} items`,
  });
  return values.length / dim;
}
