import { loadBinding } from "../loader.ts";
import type { Attention, AttentionGradients } from "./attention.ts";
import { attentions } from "./attention.ts";
import type { Conv2d, Conv2dFilterGradient, Conv2dInputGradient } from "./convolution.ts";
import { convolutions } from "./convolution.ts";
import type { GatedResidual, GatedResidualGradients } from "./gatedResidual.ts";
import { gatedResiduals } from "./gatedResidual.ts";
import type { LayerNorm, LayerNormGradients } from "./layerNorm.ts";
import { layerNorms } from "./layerNorm.ts";
import { asEtalonError } from "./nativeError.ts";
import type { AdamWUpdate } from "./optimiser.ts";
import { optimisers } from "./optimiser.ts";
import type { GroupNorm, GroupNormGradients, RmsNorm, RmsNormGradients } from "./otherNorms.ts";
import { otherNorms } from "./otherNorms.ts";
import type { Geglu, GegluGradients, Rope } from "./pointwise.ts";
import { pointwise } from "./pointwise.ts";
import type { Gemm, LinearGradients } from "./products.ts";
import { products } from "./products.ts";
import type { RawHeavyKernels } from "./RawHeavyKernels.ts";

/**
 * The heavy kernels of the tensor engine, as the addon gives them: `heavyKernels()` is the way to them; there are none in the portable form.
 *
 * What holds for all: float32, row-major, results go into the caller's arrays. Offsets, strides and leading dimensions count elements; an offset is 0 where left out.
 * Extents may be 0. Outputs share no memory with inputs or each other, unless said. NaN and infinity propagate. Results have the same bits for any thread count.
 * A window that runs past its array, or an argument that makes no sense, is an EtalonError BAD_SHAPE or OUT_OF_RANGE before anything is written.
 * Array lengths are checked against what the sizes say, so that a caller need check shapes only.
 */
export interface HeavyKernels {
  /** c = activation(op(a)·op(b) + bias), for a batch of matrices. */
  gemm(options: Gemm): void;
  /** The gradients of y = activation(x·w + bias), those that are asked for, in one call. */
  linearGradients(options: LinearGradients): void;
  /** softmax(scale·q·kᵀ + bias)·v, never more than a block of the scores in memory. */
  attention(options: Attention): void;
  /** The gradients of `attention` for q, k and v; the scores are computed again from logSumExp. */
  attentionGradients(options: AttentionGradients): void;
  /** Convolution (cross-correlation), NHWC with filters HWIO, plus bias, activated. */
  conv2d(options: Conv2d): void;
  /** ∂/∂x of `conv2d` before its activation. */
  conv2dInputGradient(options: Conv2dInputGradient): void;
  /** ∂/∂filter of `conv2d` before its activation. */
  conv2dFilterGradient(options: Conv2dFilterGradient): void;
  /** (x − mean)/√(variance + epsilon) over the last axis, then ·gain + bias where given, then ·(1 + scale) + shift where given. */
  layerNorm(options: LayerNorm): void;
  layerNormGradients(options: LayerNormGradients): void;
  /** x/√(mean of x² + epsilon)·gain over the last axis. */
  rmsNorm(options: RmsNorm): void;
  rmsNormGradients(options: RmsNormGradients): void;
  /** Normalisation over the pixels and channels of each group, ·gain + bias, then SiLU where asked for. */
  groupNorm(options: GroupNorm): void;
  groupNormGradients(options: GroupNormGradients): void;
  /** out = x + y·gate. */
  gatedResidual(options: GatedResidual): void;
  gatedResidualGradients(options: GatedResidualGradients): void;
  /** Rotates pairs (2i, 2i + 1) of the last axis by an angle a token: FLUX's form. Its gradient is the call with `inverse`. */
  rope(options: Rope): void;
  /** y = x[:, :width]·gelu(x[:, width:]), the erf form. */
  geglu(options: Geglu): void;
  gegluGradients(options: GegluGradients): void;
  /** BF16 or F16 bit patterns to float32, exactly; out has the length of bits. */
  unpack(kind: "bf16" | "f16", bits: Uint16Array, out: Float32Array): void;
  /** One update of AdamW over a list of arrays (a flat buffer is a list of one), in place. */
  adamw(options: AdamWUpdate): void;
  /** √ of the sum of all squares, summed in float64 over a fixed tree. Infinite or NaN where an element is. */
  globalNorm(arrays: readonly Float32Array[]): number;
  /** Every element times `factor`, in place. */
  scale(arrays: readonly Float32Array[], factor: number): void;
  /** average += (1 − decay)·(value − average), in place over a list of arrays. */
  ema(averages: readonly Float32Array[], values: readonly Float32Array[], decay: number): void;
  /** Runs the steps that a `Recorder` wrote down, over arrays in the places that it was told. Where a step fails, those before it have run. */
  run(program: Float64Array, arrays: readonly Float32Array[]): void;
}

let made: HeavyKernels | undefined;

/**
 * The heavy kernels of this process; undefined where the portable form computes.
 * @throws EtalonError as the loader does
 */
export function heavyKernels(): HeavyKernels | undefined {
  const raw = loadBinding().heavy;
  if (raw === undefined) return undefined;
  made ??= heavyKernelsOf(raw);
  return made;
}

/** The kernels as they are called, over those of the addon. */
export function heavyKernelsOf(raw: RawHeavyKernels): HeavyKernels {
  return guarded({
    ...products(raw),
    ...attentions(raw),
    ...layerNorms(raw),
    ...gatedResiduals(raw),
    ...convolutions(raw),
    ...otherNorms(raw),
    ...pointwise(raw),
    ...optimisers(raw),
    run: (program, arrays) => raw.run(program, arrays),
  });
}

/** Every function with its errors turned into EtalonErrors. */
function guarded(kernels: HeavyKernels): HeavyKernels {
  const entries = Object.entries(kernels).map(([name, run]: [string, (...args: never[]) => unknown]) => [
    name,
    (...args: never[]) => {
      try {
        return run(...args);
      } catch (error) {
        throw asEtalonError(error);
      }
    },
  ]);
  return Object.fromEntries(entries) as HeavyKernels;
}
