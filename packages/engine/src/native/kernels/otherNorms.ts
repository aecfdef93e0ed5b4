import type { TensorInfo } from "@tensorflow/tfjs";
import { type NativeBackend, type Output, sizeOf } from "../NativeBackend.ts";
import type { KernelCall, NativeKernels } from "./NativeKernel.ts";

const values = (backend: NativeBackend, x: TensorInfo | undefined): Float32Array | undefined =>
  x && backend.values(x, "float32");

/** Outputs beside the first: those whose condition holds. */
const infos = (outputs: (Output<Float32Array> | undefined)[]): TensorInfo[] =>
  outputs.flatMap((output) => (output ? [output.info] : []));

interface Rms {
  x: TensorInfo;
  gain?: TensorInfo;
}

/** x/√(mean of x² + epsilon)·gain over the last axis; with `keep` also 1/√(…) of each row. */
function rmsNorm({ inputs: { x, gain }, attrs: { epsilon, keep }, backend, heavy }: KernelCall<Rms, { epsilon: number; keep: boolean }>) {
  const d = x.shape.at(-1) as number;
  const rows = sizeOf(x.shape) / d;
  const y = backend.output(x.shape, "float32");
  const rstd = keep ? backend.output([rows], "float32") : undefined;
  heavy.rmsNorm({ rows, d, epsilon, x: backend.values(x, "float32"), y: y.values, gain: values(backend, gain), rstd: rstd?.values });
  return [y.info, ...infos([rstd])];
} // biome-ignore format: long lines

/** dx, and with a gain its gradient. */
function rmsNormGradients({ inputs: { x, rstd, dy, gain }, backend, heavy }: KernelCall<Rms & { rstd: TensorInfo; dy: TensorInfo }, unknown>) {
  const d = x.shape.at(-1) as number;
  const dx = backend.output(x.shape, "float32");
  const dGain = gain && backend.output([d], "float32");
  heavy.rmsNormGradients({
    rows: sizeOf(x.shape) / d,
    d,
    x: backend.values(x, "float32"),
    rstd: backend.values(rstd, "float32"),
    dy: backend.values(dy, "float32"),
    gain: values(backend, gain),
    dx: dx.values,
    dGain: dGain?.values,
  });
  return [dx.info, ...infos([dGain])];
} // biome-ignore format: long lines

interface Group extends Rms {
  bias?: TensorInfo;
}
interface GroupAttributes {
  groups: number;
  epsilon: number;
  silu: boolean;
  keep: boolean;
}

function groupSizes({ shape }: TensorInfo, groups: number) {
  const [batch, channels] = [shape[0], shape.at(-1) as number];
  return { batch, channels, groups, pixels: sizeOf(shape) / batch / channels };
}

/** Normalisation of each sample's groups of channels, ·gain + bias, SiLU; with `keep` also mean and 1/√(…) of each group. */
function groupNorm({ inputs: { x, gain, bias }, attrs: { groups, epsilon, silu, keep }, backend, heavy }: KernelCall<Group, GroupAttributes>) {
  const sizes = groupSizes(x, groups);
  const y = backend.output(x.shape, "float32");
  const [mean, rstd] = keep ? [0, 1].map(() => backend.output([sizes.batch, groups], "float32")) : [];
  heavy.groupNorm({
    ...sizes,
    epsilon,
    silu,
    x: backend.values(x, "float32"),
    y: y.values,
    gain: values(backend, gain),
    bias: values(backend, bias),
    mean: mean?.values,
    rstd: rstd?.values,
  });
  return [y.info, ...infos([mean, rstd])];
} // biome-ignore format: long lines

type GroupGradients = Group & { mean: TensorInfo; rstd: TensorInfo; dy: TensorInfo };

/** dx, and with a gain and a bias their gradients. */
function groupNormGradients({ inputs, attrs: { groups, silu }, backend, heavy }: KernelCall<GroupGradients, GroupAttributes>) {
  const { x, mean, rstd, dy, gain, bias } = inputs;
  const sizes = groupSizes(x, groups);
  const dx = backend.output(x.shape, "float32");
  const dGain = gain && backend.output([sizes.channels], "float32");
  const dBias = bias && backend.output([sizes.channels], "float32");
  heavy.groupNormGradients({
    ...sizes,
    silu,
    x: backend.values(x, "float32"),
    mean: backend.values(mean, "float32"),
    rstd: backend.values(rstd, "float32"),
    dy: backend.values(dy, "float32"),
    gain: values(backend, gain),
    bias: values(backend, bias),
    dx: dx.values,
    dGain: dGain?.values,
    dBias: dBias?.values,
  });
  return [dx.info, ...infos([dGain, dBias])];
} // biome-ignore format: long lines

/** Root-mean-square and group normalisation. */
export const otherNorms = {
  EtalonRmsNorm: rmsNorm,
  EtalonRmsNormGradients: rmsNormGradients,
  EtalonGroupNorm: groupNorm,
  EtalonGroupNormGradients: groupNormGradients,
} as NativeKernels;
