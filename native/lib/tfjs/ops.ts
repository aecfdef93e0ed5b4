import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { call } from "../call.ts";
import { attempts } from "../loader.ts";
import type { Engine, TensorInfo, TensorLike } from "./engine.ts";
import { type Params, paramsOf } from "./params.ts";
import { reader } from "./values.ts";

/** The backend of tfjs-node and tfjs-node-gpu, as much as is needed here. */
export interface NodeBackend {
  readonly binding: { readonly TF_ATTR_INT: number };
  readonly isUsingGpuDevice?: boolean;
  write(values: Int32Array, shape: number[], dtype: "int32"): object;
  disposeData(dataId: object, force?: boolean): boolean;
  executeMultipleOutputs(name: string, attributes: object[], inputs: TensorInfo[], outputs: number): TensorLike[];
}

/** Whether tensors of this backend lie in TensorFlow's memory. */
export function isNodeBackend(backend: object): backend is NodeBackend {
  const { binding, executeMultipleOutputs } = backend as Partial<NodeBackend>;
  return typeof executeMultipleOutputs === "function" && typeof binding?.TF_ATTR_INT === "number";
}

/** The addon with the ops, which lies beside the one that the loader has found. */
interface OpsAddon {
  /** Puts the ops into the TensorFlow of this process; again does nothing. Throws where it cannot. */
  register(): { gpu: boolean };
}

/** Registers the ops. @returns undefined, or why this backend has to do without them */
export function missingOps(backend: NodeBackend): string | undefined {
  const { path, source } = attempts().at(-1)!;
  if (path === "TypeScript") return `the ${source === "portable" ? "" : `${source}'s `}portable form has no ops`;
  const file = join(dirname(path), "etalon_tf.node");
  try {
    const { gpu } = (createRequire(import.meta.url)(file) as OpsAddon).register();
    return backend.isUsingGpuDevice && !gpu ? `${file} is built without CUDA` : undefined;
  } catch (error) {
    return `${file}: ${error instanceof Error ? error.message.split("\n")[0] : error}`;
  }
}

/** One call of an op. `lists` are its attributes, `inputs` its tensors under the names that the caller knows them by, in the op's order. */
export interface OpCall {
  name: "EtalonStep" | "EtalonLogProb" | "EtalonPolicyGradient";
  lists: Record<string, number>;
  inputs: Record<string, TensorLike | undefined>;
  params: Params;
  /** Tensors that come out beside the scalars. */
  tensors: number;
}

/**
 * Runs an op on tensors where they lie.
 * @returns the tensors, and the float64 scalars row by row
 * @throws EtalonError NOT_FINITE, NATIVE: as `call` does
 */
export function runOp(engine: Engine, op: OpCall): { tensors: TensorLike[]; scalars: Float64Array } {
  const backend = engine.backend as NodeBackend;
  const attributes = Object.entries(op.lists).map(([name, value]) => ({
    name,
    type: backend.binding.TF_ATTR_INT,
    value,
  }));
  const words = paramsOf(op.params);
  const params: TensorInfo = {
    dataId: backend.write(words, [words.length], "int32"),
    shape: [words.length],
    dtype: "int32",
  };
  try {
    const given = Object.values(op.inputs).filter((input) => input !== undefined);
    const outputs = backend.executeMultipleOutputs(op.name, attributes, [...given, params], op.tensors + 1);
    const last = outputs.pop()!;
    const { buffer, byteOffset, byteLength } = last.dataSync() as Int32Array;
    last.dispose();
    return { tensors: outputs, scalars: new Float64Array(buffer, byteOffset, byteLength / 8) };
  } catch (error) {
    return fail(engine, op, error);
  } finally {
    backend.disposeData(params.dataId, true);
  }
}

/** An op's failure carries the library's status before its message: from here on it is an error of the addon's. */
function fail(engine: Engine, { inputs }: OpCall, error: unknown): never {
  const [, code, message] = (error instanceof Error && /(ETALON_[A-Z_]+): (.*)/.exec(error.message)) || [];
  const failure = code === undefined ? error : Object.assign(new Error(message), { code, cause: error });
  const read = reader(engine, []);
  const values = Object.entries(inputs).map(([name, input]) => [name, input && read(input)]);
  call(() => {
    throw failure;
  }, Object.fromEntries(values));
  throw failure;
}
