import { check, EtalonError } from "@etalon/errors";

/** Sample ids from a list or a number (0, 1, …). @throws EtalonError OUT_OF_RANGE: a number that is no count; BAD_TYPE, BAD_SHAPE: a list of another kind, or empty */
export function sampleIds(samples: unknown): Uint32Array {
  if (typeof samples === "number") {
    return Uint32Array.from(
      { length: check.range("samples", samples, { min: 1, max: 2 ** 32, integer: true }) },
      (_, i) => i,
    );
  }
  if (!(samples instanceof Uint32Array)) {
    throw new EtalonError("BAD_TYPE", {
      argument: "samples",
      value: samples,
      allowed: "a number of samples, or their ids as a Uint32Array",
    });
  }
  check.that(samples.length > 0, "BAD_SHAPE", { argument: "samples", value: samples, allowed: "one id or more" });
  return samples;
}
