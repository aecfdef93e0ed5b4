import { Random } from "../random.ts";
import type { ParameterSpec } from "./layout.ts";

/** A parameter's values as torch's layers begin: uniform in ±1/√inputs, gains one, shifts zero; tables Gaussian, small. Laid out as in the file. @param index  the parameter's place in the model */
export function initialValues({ name, shape, layout }: ParameterSpec, seed: number, index: number): Float32Array {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  const random = new Random(seed, index);
  if (layout !== "plain") {
    const bound = 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
    return values.map(() => bound * (2 * random.uniform() - 1));
  }
  if (shape.length === 1) return name.endsWith(".weight") ? values.fill(1) : values;
  return values.map(() => 0.02 * random.normal());
}
