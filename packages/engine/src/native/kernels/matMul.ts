import type { Gemm, HeavyKernels } from "@etalon/native/tensor";
import type { TensorInfo } from "@tensorflow/tfjs";
import { tf } from "../../tf.ts";
import { type NativeBackend, sizeOf } from "../NativeBackend.ts";
import { activated, isActivation, isInGemm } from "./activated.ts";
import { applyBinary, applyUnary } from "./elementwise.ts";
import { broadcastStrides } from "./layout.ts";
import type { KernelCall, NativeKernels } from "./NativeKernel.ts";

interface Transposes {
  transposeA: boolean;
  transposeB: boolean;
}
type Extras = Pick<Gemm, "bias" | "activation">;

/** Products of the matrices in the last two axes, with broadcasting over the others. */
function product(
  backend: NativeBackend,
  heavy: HeavyKernels,
  a: TensorInfo,
  b: TensorInfo,
  transposes: Transposes,
  extras: Extras = {},
): TensorInfo | undefined {
  if (a.dtype !== "float32" || b.dtype !== "float32") return undefined;
  const { transposeA, transposeB } = transposes;
  const [rowsA, columnsA] = a.shape.slice(-2);
  const [rowsB, columnsB] = b.shape.slice(-2);
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [inner, n] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const batch = tf.backend_util.assertAndGetBroadcastShape(batchA, batchB);
  tf.util.assert(k === inner, () => `Error in matMul: inner shapes (${k}) and (${inner}) of Tensors with shapes ${a.shape} and ${b.shape} and ` +
    `transposeA=${transposeA} and transposeB=${transposeB} must match.`); // biome-ignore format: a sentence
  const { info, values: c } = backend.output([...batch, m, n], "float32");
  const all = {
    a: backend.values(a, "float32"),
    b: backend.values(b, "float32"),
    c,
    m,
    n,
    k,
    transposeA,
    transposeB,
    ...extras,
  };
  const [count, countA, countB] = [batch, batchA, batchB].map(sizeOf);
  if (c.length === 0) return info;
  if (countB === 1 && !transposeA && countA === count) heavy.gemm({ ...all, m: m * count });
  else if ((countA === count || countA === 1) && (countB === count || countB === 1))
    heavy.gemm({ ...all, batch: count, aStride: countA === 1 ? 0 : m * k, bStride: countB === 1 ? 0 : k * n });
  else
    each(batch, batchA, batchB, (at, inA, inB) =>
      heavy.gemm({ ...all, aOffset: inA * m * k, bOffset: inB * k * n, cOffset: at * m * n }),
    );
  return info;
}

/** Every index of a batch, with those of its operands. */
function each(batch: number[], a: number[], b: number[], visit: (at: number, inA: number, inB: number) => void): void {
  const [stepsA, stepsB] = [broadcastStrides(a, batch), broadcastStrides(b, batch)];
  for (let at = 0; at < sizeOf(batch); at++) {
    let [rest, inA, inB] = [at, 0, 0];
    for (let d = batch.length - 1; d >= 0; d--) {
      const index = rest % batch[d];
      rest = Math.floor(rest / batch[d]);
      inA += index * stepsA[d];
      inB += index * stepsB[d];
    }
    visit(at, inA, inB);
  }
}

interface FusedInputs {
  a: TensorInfo;
  b: TensorInfo;
  bias?: TensorInfo;
  preluActivationWeights?: TensorInfo;
}
interface FusedAttributes extends Transposes {
  activation?: string;
  leakyreluAlpha?: number;
}

function fusedMatMul({ inputs, attrs, backend, heavy }: KernelCall<FusedInputs, FusedAttributes>) {
  const { a, b, bias, preluActivationWeights } = inputs;
  const { activation = "linear", leakyreluAlpha } = attrs;
  if (!isActivation(activation) || (bias !== undefined && bias.dtype !== "float32")) return undefined;
  const n = attrs.transposeB ? b.shape.at(-2) : b.shape.at(-1);
  const rowBias = bias !== undefined && bias.shape.length === 1 && bias.shape[0] === n;
  const apart = bias !== undefined && !rowBias;
  const extras = {
    bias: rowBias ? backend.values(bias, "float32") : undefined,
    activation: apart ? undefined : isInGemm(activation),
  };
  const y = product(backend, heavy, a, b, attrs, extras);
  if (y === undefined || !apart) return y && activated(backend, y, activation, leakyreluAlpha, preluActivationWeights);
  const sum = applyBinary(backend, "add", y, bias) as TensorInfo;
  backend.disposeIntermediateTensorInfo(y);
  if (activation !== "relu") return activated(backend, sum, activation, leakyreluAlpha, preluActivationWeights);
  const positive = applyUnary(backend, "relu", sum);
  backend.disposeIntermediateTensorInfo(sum);
  return positive;
}

/** Matrix products. */
export const matMul = {
  BatchMatMul: ({
    inputs: { a, b },
    attrs,
    backend,
    heavy,
  }: KernelCall<{ a: TensorInfo; b: TensorInfo }, Transposes>) => product(backend, heavy, a, b, attrs),
  _FusedMatMul: fusedMatMul,
} as NativeKernels;
