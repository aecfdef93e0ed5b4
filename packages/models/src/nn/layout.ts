import { type Tensor, tf } from "@etalon/engine";

/** How a parameter lies in memory. In a file all lie as torch keeps them. */
export type Layout =
  | "linear" // [outputs, inputs] or [outputs, inputs, 1, 1] in the file, [inputs, outputs] in memory
  | "conv" // [outputs, inputs, rows, columns] in the file, [rows, columns, inputs, outputs] in memory
  | "plain"; // the same in both: vectors, tables

/** A parameter by its name, its shape as the file has it, and how it lies in memory. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly layout: Layout;
}

/** A parameter in a file as rows of `inputs` times `taps` numbers, one an output; a plain one as rows of one number. */
export function rowsOf({ shape, layout }: ParameterSpec): { outputs: number; inputs: number; taps: number } {
  if (layout === "plain") return { outputs: shape.reduce((a, b) => a * b, 1), inputs: 1, taps: 1 };
  const [outputs, inputs, height = 1, width = 1] = shape;
  return { outputs, inputs, taps: height * width };
}

/** The shape in memory. */
export function memoryShape({ shape, layout }: ParameterSpec): number[] {
  const [outputs, inputs, rows, columns] = shape;
  if (layout === "linear") return [inputs, outputs];
  return layout === "conv" ? [rows, columns, inputs, outputs] : [...shape];
}

/** A tensor laid out as in memory, laid out as in the file. */
export function toFile({ shape, layout }: ParameterSpec, tensor: Tensor): Tensor {
  if (layout === "plain") return tensor.clone();
  return tf.transpose(tensor, layout === "conv" ? [3, 2, 0, 1] : [1, 0]).reshape([...shape]);
}
