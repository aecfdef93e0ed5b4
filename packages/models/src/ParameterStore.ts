import { type Tensor, type Tensor2D, tf, type Variable } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import {
  fromFloat32,
  readSafetensors,
  type SafetensorsFile,
  type StoredTensor,
  toFloat32,
  writeSafetensors,
} from "@etalon/weights";

/** A parameter by its name and its shape as torch has it. */
export interface NamedShape {
  name: string;
  shape: readonly number[];
}

/**
 * The parameters of a model as TensorFlow.js variables under their file names. In a file a linear layer's weight is [outputs, inputs], as torch keeps it; in memory
 * it is [inputs, outputs], as the matrix product takes it. A table (an embedding) lies the same way in both.
 */
export class ParameterStore {
  readonly variables = new Map<string, Variable>();
  readonly #isTable: (name: string) => boolean;

  /** @param isTable  tells which matrices are looked up by row, and so are not transposed */
  constructor(isTable: (name: string) => boolean) {
    this.#isTable = isTable;
  }

  /** Adds a parameter from values laid out as in the file. */
  add({ name, shape }: NamedShape, values: Float32Array): void {
    const variable = tf.tidy(() => {
      const tensor = tf.tensor(values, [...shape], "float32");
      return tf.variable(this.#turns(name, shape) ? tensor.transpose() : tensor, true, undefined, "float32");
    });
    this.variables.get(name)?.dispose();
    this.variables.set(name, variable);
  }

  get(name: string): Variable {
    const variable = this.variables.get(name);
    if (variable) return variable;
    throw new EtalonError("NOT_FOUND", { argument: "parameter", value: name, allowed: "a parameter of the model" });
  }

  /** A parameter's values laid out as in the file, with its shape there. */
  values(name: string, variable: Tensor = this.get(name)): { shape: number[]; data: Float32Array } {
    const turns = this.#turns(name, variable.shape);
    const tensor = turns ? (variable as Tensor2D).transpose() : variable;
    const data = tensor.dataSync<"float32">().slice();
    const shape = tensor.shape;
    if (turns) tensor.dispose();
    return { shape, data };
  }

  /**
   * Loads the parameters listed from a safetensors file; all or none.
   * @throws EtalonError BAD_FILE: names the first parameter that is missing, unknown, of another shape, or not finite
   */
  load(file: string, list: readonly NamedShape[]): void {
    const stored = readSafetensors(file);
    const known = new Set(list.map(({ name }) => name));
    const stranger = stored.names.find((name) => !known.has(name));
    if (stranger !== undefined) throw mismatch(file, stranger, "none");
    const loaded = list.map((item) => [item, valuesOf(file, stored, item)] as const);
    for (const [item, values] of loaded) this.add(item, values);
  }

  /** Writes parameters (or averages of the same names) as safetensors, atomically. */
  save(file: string, dtype: "F32" | "F16", variables: ReadonlyMap<string, Variable> = this.variables): void {
    const tensors: Record<string, StoredTensor> = {};
    for (const [name, variable] of variables) {
      const { shape, data } = this.values(name, variable);
      tensors[name] = { dtype, shape, data: fromFloat32(data, dtype) };
    }
    writeSafetensors(file, tensors, { format: "pt" });
  }

  dispose(): void {
    for (const variable of this.variables.values()) variable.dispose();
    this.variables.clear();
  }

  #turns(name: string, shape: readonly number[]): boolean {
    return shape.length === 2 && !this.#isTable(name);
  }
}

function valuesOf(file: string, stored: SafetensorsFile, { name, shape }: NamedShape): Float32Array {
  const want = `[${shape}]`;
  if (!stored.names.includes(name)) throw mismatch(file, name, want, "nothing");
  const tensor = stored.get(name, { finite: true });
  if (`[${tensor.shape}]` !== want) throw mismatch(file, name, want, `[${tensor.shape}]`);
  return toFloat32(tensor);
}

const mismatch = (file: string, name: string, want: string, found = "a tensor") =>
  new EtalonError(
    "BAD_FILE",
    { argument: file, value: name, allowed: want },
    { message: `${file}: ${name} is ${found}; allowed: ${want}.` },
  );
