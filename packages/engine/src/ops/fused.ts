import type { KernelBackend, NamedAttrMap, NamedTensorMap, Tensor, TensorInfo } from "@tensorflow/tfjs";
import { NativeBackend } from "../native/NativeBackend.ts";
import { tf } from "../tf.ts";

/** The parts of tfjs's engine by which a fused operation is run and taped without its detours. */
interface TapedEngine {
  backend: KernelBackend;
  state: { gradientDepth: number; kernelDepth: number; profiling: boolean };
  isTapeOn(): boolean;
  keep(tensor: Tensor): Tensor;
  nextTensorId(): number;
  runKernel(name: string, inputs: NamedTensorMap, attributes: NamedAttrMap): Tensor | Tensor[];
  makeTensorFromTensorInfo(info: TensorInfo, backend: KernelBackend): Tensor;
  addTapeNode(
    name: string,
    inputs: NamedTensorMap,
    outputs: Tensor[],
    gradients: (dy: Tensor, saved: Tensor[]) => Record<string, () => Tensor>,
    saved: Tensor[],
    attributes: NamedAttrMap,
  ): void;
}
const engine = tf.engine() as unknown as TapedEngine; // tfjs keeps one
const environment = tf.env();

/** Whether the engine that runs has a fused kernel of that name; where it has not, an operation is made of TensorFlow.js's own. */
export const hasFused = (name: string): boolean => tf.getKernel(name, tf.getBackend()) !== undefined;

/** The native backend where it runs and nobody watches its kernels (tf.profile, tfjs's debug and test modes): what it is asked for may go straight to it. */
function direct(): NativeBackend | undefined {
  const { backend, state } = engine;
  if (!(backend instanceof NativeBackend) || state.profiling) return undefined;
  return environment.getBool("DEBUG") || environment.getBool("IS_TEST") ? undefined : backend;
}

/** Runs a fused kernel: one tensor, or several as a list. Its gradient is the caller's, by `withGradients`. */
export function runFused<T extends Tensor | Tensor[]>(
  name: string,
  inputs: Record<string, Tensor | undefined>,
  attributes: object = {},
): T {
  const backend = engine.isTapeOn() ? undefined : direct();
  const made = backend?.run(name, inputs, attributes);
  if (backend !== undefined && made !== undefined) {
    const tensorOf = (info: TensorInfo) => engine.makeTensorFromTensorInfo(info, backend);
    return (Array.isArray(made) ? made.map(tensorOf) : tensorOf(made)) as T;
  }
  const given = Object.fromEntries(Object.entries(inputs).filter(([, input]) => input !== undefined)) as NamedTensorMap;
  return engine.runKernel(name, given, attributes as NamedAttrMap) as T;
}

/** Whether a gradient will be asked for: only then is what it needs worth keeping. */
export const isTaped = (): boolean => engine.isTapeOn();

/**
 * tf.customGrad with its types said: saves what `forward` lists and hands it to `gradients`, which gives one gradient an input. On the native engine the node goes onto
 * the tape at once: customGrad's tidy, and a kernel and a node of the tape for each saved tensor, take longer than many of the kernels.
 */
export function withGradients<Saved extends Tensor[]>(
  inputs: Tensor[],
  forward: (...inputs: Tensor[]) => { value: Tensor; saved: Saved },
  gradients: (dy: Tensor, saved: Saved) => Tensor[],
): Tensor {
  const backend = engine.isTapeOn() && engine.state.gradientDepth === 1 ? direct() : undefined;
  if (backend !== undefined) return taped(backend, inputs, forward, gradients);
  return tf.customGrad((...args) => {
    const save = args.pop() as unknown as (tensors: Tensor[]) => void;
    const { value, saved } = forward(...(args as Tensor[]));
    save(saved);
    return { value, gradFunc: (dy: Tensor, kept: Tensor[]) => gradients(dy, kept as Saved) };
  })(...inputs);
}

function taped<Saved extends Tensor[]>(
  backend: NativeBackend,
  inputs: Tensor[],
  forward: (...inputs: Tensor[]) => { value: Tensor; saved: Saved },
  gradients: (dy: Tensor, saved: Saved) => Tensor[],
): Tensor {
  const before = engine.nextTensorId();
  engine.state.kernelDepth++; // what runs within is not taped itself
  let made: { value: Tensor; saved: Saved };
  try {
    made = forward(...inputs);
  } finally {
    engine.state.kernelDepth--;
  }
  const { value } = made;
  const saved = made.saved.map((tensor) => engine.keep(tensor.id > before && tensor !== value ? tensor : held(backend, tensor)));
  const backward = (dy: Tensor, kept: Tensor[]) => {
    const found: Record<string, () => Tensor> = {};
    for (const [i, gradient] of gradients(dy, kept as Saved).entries()) found[i] = () => gradient;
    return found;
  };
  const byPlace: NamedTensorMap = {};
  for (const [i, input] of inputs.entries()) byPlace[i] = input;
  engine.addTapeNode("Etalon", byPlace, [value], backward, saved, {}); // the tape disposes what is saved
  return value;
} // biome-ignore format: long lines

/** Another tensor of the same values: they stay when the first is disposed, or assigned to. */
function held(backend: NativeBackend, { dataId, shape, dtype }: Tensor): Tensor {
  backend.incRef(dataId);
  return engine.makeTensorFromTensorInfo({ dataId, shape, dtype }, backend);
}
