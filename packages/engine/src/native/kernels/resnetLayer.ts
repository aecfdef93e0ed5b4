import type { ConvSizes } from "@etalon/native/tensor";
import type { TensorInfo } from "@tensorflow/tfjs";
import { affine, affineGradients, type Scales } from "./affine.ts";
import { divided, type Frame, rowsOf } from "./Frame.ts";
import { layerKernels } from "./layerKernels.ts";

interface Attributes {
  scales: Scales;
  groups: number;
  epsilon: number;
  keep: boolean;
}

type Norm = "norm1" | "norm2";
type Conv = "conv1" | "conv2";

/** Sizes of a convolution that keeps the picture's. */
function convSizes(frame: Frame, name: Conv): ConvSizes {
  const [batch, height, width] = frame.shape("x");
  const [filterHeight, filterWidth, inChannels, outChannels] = frame.shape(`${name}.filter`);
  const [padTop, padLeft] = [(filterHeight - 1) / 2, (filterWidth - 1) / 2];
  return { batch, height, width, inChannels, filterHeight, filterWidth, outHeight: height, outWidth: width, outChannels, padTop, padLeft }; // biome-ignore format: one thought
}

/** The steps of a residual block of pixels, over arrays; each knows its sizes from the tensors' shapes. */
function stepsOf(frame: Frame, { groups, epsilon, scales }: Attributes) {
  const [batch] = frame.shape("x");
  const rows = rowsOf(frame.shape("x"));
  const [inputs, outputs] = frame.shape("conv1.filter").slice(2);
  const sizes = (name: Norm) => ({ batch, pixels: rows / batch, channels: name === "norm1" ? inputs : outputs, groups, silu: true, gain: frame.values(`${name}.gain`), bias: frame.values(`${name}.bias`) }); // biome-ignore format: one thought
  /** SiLU(GroupNorm(x)). */
  const norm = (name: Norm, x: Float32Array, y: Float32Array, moments: Float32Array[]) => {
    frame.heavy.groupNorm({ ...sizes(name), epsilon, x, y, mean: moments[0], rstd: moments[1] });
    return y;
  };
  const normGradients = (name: Norm, x: Float32Array, dy: Float32Array, moments: Float32Array[], dx?: Float32Array, residual?: Float32Array) =>
    frame.heavy.groupNormGradients({
      ...sizes(name),
      x,
      mean: moments[0],
      rstd: moments[1],
      dy,
      dx,
      residual,
      dGain: frame.gradient(`${name}.gain`),
      dBias: frame.gradient(`${name}.bias`),
    }); // biome-ignore format: long lines
  const conv = (name: Conv, x: Float32Array, y: Float32Array, more: { shift?: Float32Array; residual?: Float32Array }) =>
    frame.heavy.conv2d({ ...convSizes(frame, name), x, filter: frame.values(`${name}.filter`), bias: frame.optional(`${name}.bias`), y, ...more }); // biome-ignore format: one thought
  const convGradients = (name: Conv, x: () => Float32Array, dy: Float32Array, dx?: Float32Array) => {
    const at = convSizes(frame, name);
    const [dFilter, dBias] = [frame.gradient(`${name}.filter`), frame.gradient(`${name}.bias`)];
    if (dFilter || dBias) frame.heavy.conv2dFilterGradient({ ...at, x: x(), dy, dFilter, dBias });
    if (dx) frame.heavy.conv2dInputGradient({ ...at, dy, filter: frame.values(`${name}.filter`), dx });
  };
  /** What the time embedding adds to each channel, [batch, outputs]. */
  const shift = () => {
    if (!frame.has("embedding")) return undefined;
    const made = frame.scratch(batch * outputs);
    affine(frame, "time", scales, batch, frame.values("embedding"), made);
    return made;
  };
  /** Each image's sums over its pixels, on to the embedding. */
  const shiftGradients = (dy: Float32Array) => {
    if (!frame.has("embedding")) return;
    const sums = frame.scratch(batch * outputs);
    const image = dy.length / batch;
    const one = { ...convSizes(frame, "conv2"), batch: 1 }; // as many channels in as out
    for (let b = 0; b < batch; b++) {
      const [part, dBias] = [dy.subarray(b * image, (b + 1) * image), sums.subarray(b * outputs, (b + 1) * outputs)];
      frame.heavy.conv2dFilterGradient({ ...one, x: part, dy: part, dBias });
    }
    affineGradients(frame, "time", scales, batch, sums, () => frame.values("embedding"), frame.gradient("embedding"));
  };
  return { batch, rows, inputs, outputs, norm, normGradients, conv, convGradients, shift, shiftGradients };
}

/** What is kept for the gradients: what goes into the second norm, and both norms' moments. */
const keptLengths = (rows: number, outputs: number, moments: number) => [rows * outputs, moments, moments, moments, moments]; // biome-ignore format: one thought

/** x (through a product of its pixels) + conv2(SiLU(norm2(conv1(SiLU(norm1(x))) + time(embedding)))). */
function resnetLayer(frame: Frame, attrs: Attributes): TensorInfo[] {
  const { batch, rows, inputs, outputs, norm, conv, shift } = stepsOf(frame, attrs);
  const x = frame.values("x");
  const y = frame.output([...frame.shape("x").slice(0, 3), outputs]);
  const { arrays: [inner, ...moments], info } = frame.parts(keptLengths(rows, outputs, batch * attrs.groups), attrs.keep); // biome-ignore format: one thought
  conv("conv1", norm("norm1", x, frame.scratch(rows * inputs), moments), inner, { shift: shift() });
  const second = norm("norm2", inner, attrs.keep ? frame.scratch(rows * outputs) : inner, moments.slice(2));
  let residual = x;
  if (frame.has("shortcut.w")) {
    residual = frame.scratch(rows * outputs);
    affine(frame, "shortcut", attrs.scales, rows, x, residual);
  }
  conv("conv2", second, y.values, { residual });
  return info ? [y.info, info] : [y.info];
}

function resnetLayerGradients(frame: Frame, attrs: Attributes): TensorInfo[] {
  const { batch, rows, inputs, outputs, norm, normGradients, convGradients, shiftGradients } = stepsOf(frame, attrs);
  const [x, dy] = [frame.values("x"), frame.values("dy")];
  const [inner, ...moments] = divided(frame.values("work"), keptLengths(rows, outputs, batch * attrs.groups));
  const dInner = frame.scratch(rows * outputs);
  convGradients("conv2", () => norm("norm2", inner, frame.scratch(rows * outputs), moments.slice(2)), dy, dInner);
  normGradients("norm2", inner, dInner, moments.slice(2), dInner);
  shiftGradients(dInner);
  const dx = frame.gradient("x");
  const wanted = dx !== undefined || frame.wants("norm1.gain") || frame.wants("norm1.bias");
  const dNormed = wanted ? frame.scratch(rows * inputs) : undefined;
  convGradients("conv1", () => norm("norm1", x, frame.scratch(rows * inputs), moments), dInner, dNormed);
  if (frame.has("shortcut.w")) affineGradients(frame, "shortcut", attrs.scales, rows, dy, () => x, dx);
  if (dNormed) normGradients("norm1", x, dNormed, moments, dx, frame.has("shortcut.w") ? dx : dy);
  return frame.gradients();
}

/** A residual block of pixels in one kernel: steps of the addon's, without a tensor between them. */
export const resnetLayers = layerKernels<Attributes>({
  EtalonResnetLayer: resnetLayer,
  EtalonResnetLayerGradients: resnetLayerGradients,
});
