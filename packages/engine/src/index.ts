export { EtalonError } from "@etalon/errors";
export type { NamedTensorMap, Tensor, Tensor2D, Tensor3D, Tensor4D, Variable } from "@tensorflow/tfjs";
export { currentEngine, type Engine, type EngineTraits, engine } from "./engine.ts";
export { type EngineName, engineNames } from "./engineNames.ts";
export { installedEngines } from "./installedEngines.ts";
export { type Activation, activate } from "./ops/activations.ts";
export { type AdaptiveLinearTensors, adaptiveLinear } from "./ops/adaptiveLinear.ts";
export { attention } from "./ops/attention.ts";
export { type AttentionOptions, type AttentionTensors, attentionLayer } from "./ops/attentionLayer.ts";
export { combinedEmbedding, type Mlp } from "./ops/combinedEmbedding.ts";
export { type Conv2dOptions, conv2d } from "./ops/conv2d.ts";
export {
  type DoubleStreamTensors,
  doubleStreamLayer,
  type StreamOptions,
  type StreamTensors,
} from "./ops/doubleStreamLayer.ts";
export { embedding } from "./ops/embedding.ts";
export { embedTokens, type TokenInput } from "./ops/embedTokens.ts";
export { feedForwardLayer } from "./ops/feedForwardLayer.ts";
export { type FloatWidth, firstNotFinite } from "./ops/firstNotFinite.ts";
export { isTaped } from "./ops/fused.ts";
export { gatedResidual } from "./ops/gatedResidual.ts";
export { geglu } from "./ops/geglu.ts";
export { gelu } from "./ops/gelu.ts";
export { geluErf } from "./ops/geluErf.ts";
export { type GroupNormOptions, groupNorm } from "./ops/groupNorm.ts";
export type { LinearLayer, LowRank } from "./ops/LayerTensors.ts";
export { type AffineNorm, layerNorm } from "./ops/layerNorm.ts";
export { layerNormModulate } from "./ops/layerNormModulate.ts";
export { linear } from "./ops/linear.ts";
export { linearLayer } from "./ops/linearLayer.ts";
export { matMulT } from "./ops/matMulT.ts";
export { modulate } from "./ops/modulate.ts";
export { multiHeadAttention } from "./ops/multiHeadAttention.ts";
export { fromPatches, toPatches } from "./ops/patches.ts";
export { recomputed } from "./ops/recomputed.ts";
export { resizeNearest } from "./ops/resizeNearest.ts";
export { type ConvTensors, type ResnetTensors, resnetLayer } from "./ops/resnetLayer.ts";
export { rmsNorm } from "./ops/rmsNorm.ts";
export { rope } from "./ops/rope.ts";
export { silu } from "./ops/silu.ts";
export { type SingleStreamTensors, singleStreamLayer } from "./ops/singleStreamLayer.ts";
export { type TurnSizes, turnRows } from "./ops/turnRows.ts";
export { unpack } from "./ops/unpack.ts";
export { giveWords, takeWords } from "./ops/words.ts";
export { written } from "./ops/written.ts";
export { AdamW, type AdamWOptions } from "./optimisers/AdamW.ts";
export { clipFactor } from "./optimisers/clipFactor.ts";
export { clipGlobalNorm } from "./optimisers/clipGlobalNorm.ts";
export { Ema } from "./optimisers/Ema.ts";
export { peek } from "./peek.ts";
export { tf } from "./tf.ts";
export { variableGradients } from "./variableGradients.ts";
