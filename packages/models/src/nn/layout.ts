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

type Values = Float32Array | Uint16Array;

/** The shape in memory. */
export function memoryShape({ shape, layout }: ParameterSpec): number[] {
  const [outputs, inputs, rows, columns] = shape;
  if (layout === "linear") return [inputs, outputs];
  return layout === "conv" ? [rows, columns, inputs, outputs] : [...shape];
}

/** Values laid out as in the file, as they lie in memory; vectors and tables are given back as they are. */
export function toMemory<T extends Values>({ shape, layout }: ParameterSpec, values: T): T {
  if (layout === "plain") return values;
  const [outputs, inputs, rows = 1, columns = 1] = shape;
  return turned(values, outputs, inputs, rows * columns, true);
}

/** Values as they lie in memory, laid out as in the file. */
export function toFile<T extends Values>({ shape, layout }: ParameterSpec, values: T): T {
  if (layout === "plain") return values;
  const [outputs, inputs, rows = 1, columns = 1] = shape;
  return turned(values, outputs, inputs, rows * columns, false);
}

const edge = 32;

/** [outputs, inputs, taps] to [taps, inputs, outputs], or back, in squares that stay in the cache. */
function turned<T extends Values>(from: T, outputs: number, inputs: number, taps: number, forth: boolean): T {
  const to = new (from.constructor as new (length: number) => T)(from.length);
  for (let tap = 0; tap < taps; tap++) {
    for (let top = 0; top < inputs; top += edge) {
      const bottom = Math.min(top + edge, inputs);
      for (let left = 0; left < outputs; left += edge) {
        const right = Math.min(left + edge, outputs);
        for (let i = top; i < bottom; i++) {
          for (let o = left; o < right; o++) {
            const [file, memory] = [(o * inputs + i) * taps + tap, (tap * inputs + i) * outputs + o];
            if (forth) to[memory] = from[file];
            else to[file] = from[memory];
          }
        }
      }
    }
  }
  return to;
}
