import { EtalonError } from "@etalon/errors";
import type { NamedTensorMap, Scalar, Tensor, Variable } from "@tensorflow/tfjs";
import { tf } from "./tf.ts";

/** What TensorFlow.js notes down of an operation, to walk back over it. */
interface TapeNode {
  kernelName: string;
  inputs: NamedTensorMap;
  outputs: Tensor[];
  saved?: Tensor[];
  /** Missing: the operation has no gradient. */
  gradient?: (dys: (Tensor | null)[]) => Record<string, () => Tensor>;
}

/** The parts of tfjs's engine that walk over its tape. */
interface TapeEngine {
  state: { gradientDepth: number; activeTape: TapeNode[] | null };
  startTape(): void;
  endTape(): void;
  scopedRun<T>(start: () => void, end: () => void, f: () => T): T;
}
const engine = tf.engine() as unknown as TapeEngine; // tfjs keeps one

/**
 * A loss and its gradients for variables: what tf.variableGrads gives, to the same bits, but that what the walk back no longer needs is freed at once, operation by
 * operation, where tfjs keeps the gradients of all activations, and all that was saved for them, to the end; and with a part of its bookkeeping.
 * @param f  the loss, float32, one number    @param variables  by names of their own
 * @returns the gradients by these names; a variable that f does not depend on has none    @throws EtalonError BAD_SHAPE, BAD_TYPE, UNSUPPORTED: f gives no number, depends on none
 */
export function variableGradients(f: () => Tensor, variables: ReadonlyMap<string, Variable>): { value: Scalar; gradients: NamedTensorMap } {
  const { state } = engine;
  if (state.gradientDepth > 0) throw new EtalonError("UNSUPPORTED", {}, { message: "Gradients within gradients: use tf.variableGrads there." });
  let tape: TapeNode[] = [];
  try {
    const value = engine.scopedRun(
      () => engine.startTape(),
      () => engine.endTape(),
      () => tf.tidy(f),
    );
    tape = state.activeTape ?? [];
    try {
      refuseNonScalar(value);
      return { value, gradients: tf.tidy(() => walkedBack(tape, value, variables)) };
    } catch (error) {
      value.dispose();
      throw error;
    }
  } finally {
    for (const { saved } of state.activeTape ?? tape) for (const tensor of saved ?? []) tensor.dispose();
    state.activeTape = null;
  }
} // biome-ignore format: a long line

function refuseNonScalar(value: Tensor): asserts value is Scalar {
  if (value.rank === 0 && value.dtype === "float32") return;
  const found = `${value.dtype} [${value.shape}]`;
  throw new EtalonError("BAD_SHAPE", { argument: "loss", value: found, allowed: "float32 []" });
}

/** Ids of tensors that depend on a variable. */
function dependents(tape: readonly TapeNode[], variables: ReadonlyMap<string, Variable>): Set<number> {
  const found = new Set<number>();
  for (const { id } of variables.values()) found.add(id);
  for (const { inputs, outputs } of tape) {
    for (const name in inputs) {
      if (!found.has(inputs[name].id)) continue;
      for (const { id } of outputs) found.add(id);
      break;
    }
  }
  return found;
}

function walkedBack(tape: readonly TapeNode[], value: Tensor, variables: ReadonlyMap<string, Variable>): NamedTensorMap {
  const wanted = dependents(tape, variables);
  const sums = new GradientSums();
  sums.add(value.id, tf.scalar(1));
  for (let i = tape.length - 1; i >= 0; i--) {
    const { kernelName, inputs, outputs, saved, gradient } = tape[i];
    const names: string[] = [];
    for (const name in inputs) if (wanted.has(inputs[name].id)) names.push(name);
    const dys = outputs.map(({ id }) => sums.of(id));
    if (names.length > 0 && dys.some((dy) => dy !== null)) {
      if (gradient === undefined) throw new EtalonError("UNSUPPORTED", { argument: "operation", value: kernelName, allowed: "one with a gradient" });
      const made = tf.tidy(() => {
        const found = gradient(dys);
        return names.map((name) => found[name]());
      });
      for (const [j, name] of names.entries()) {
        refuseOther(kernelName, made[j], inputs[name]);
        sums.add(inputs[name].id, made[j]);
      }
    }
    for (const { id } of outputs) sums.drop(id);
    for (const tensor of saved ?? []) tensor.dispose();
  }
  const gradients: NamedTensorMap = {};
  for (const [name, { id }] of variables) {
    const sum = sums.of(id);
    if (sum !== null) gradients[name] = sum;
  }
  if (Object.keys(gradients).length > 0) return gradients;
  throw new EtalonError("UNSUPPORTED", { argument: "loss", value: "one that no variable changes", allowed: "a function of one of the variables" });
} // biome-ignore format: long lines

function refuseOther(kernel: string, gradient: Tensor, { shape }: Tensor): void {
  if (gradient.dtype === "float32" && tf.util.arraysEqual(gradient.shape, shape)) return;
  const [argument, value] = [`gradient of ${kernel}`, `${gradient.dtype} [${gradient.shape}]`];
  throw new EtalonError("BAD_SHAPE", { argument, value, allowed: `float32 [${shape}]` });
}

/** Gradients by the ids of what they are of. An operation may hand on the one that it was given, so a tensor may be several sums: it is freed with the last. */
class GradientSums {
  readonly #sums = new Map<number, Tensor>();
  readonly #uses = new Map<Tensor, number>();

  of(id: number): Tensor | null {
    return this.#sums.get(id) ?? null;
  }

  add(id: number, gradient: Tensor): void {
    const before = this.#sums.get(id);
    this.#set(id, before === undefined ? gradient : before.add(gradient));
    if (before === undefined) return;
    this.#leave(before);
    if (!this.#uses.has(gradient)) gradient.dispose();
  }

  drop(id: number): void {
    const sum = this.#sums.get(id);
    if (sum === undefined) return;
    this.#sums.delete(id);
    this.#leave(sum);
  }

  #set(id: number, gradient: Tensor): void {
    this.#sums.set(id, gradient);
    this.#uses.set(gradient, (this.#uses.get(gradient) ?? 0) + 1);
  }

  #leave(tensor: Tensor): void {
    const left = (this.#uses.get(tensor) as number) - 1;
    if (left > 0) this.#uses.set(tensor, left);
    else {
      this.#uses.delete(tensor);
      tensor.dispose();
    }
  }
}
