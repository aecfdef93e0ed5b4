import { EtalonError } from "@etalon/errors";
import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { checkShape } from "./checkShape.ts";
import { hasFused } from "./fused.ts";
import { fusedLayer } from "./fusedLayer.ts";
import { checkLayer, type LinearLayer, plainLayer } from "./LayerTensors.ts";

/** Rows of one kind, words or patches, and how they become tokens. */
export interface TokenInput {
  /** float32 [batch, rows, width]. */
  x: Tensor;
  /** From the width to d. */
  layer: LinearLayer;
  /** What is added to each row, float32 [rows, d]. */
  positions: Tensor;
}

/**
 * A transformer's tokens: of each input layer(x) + positions, in each sample one input's rows after the other's, with its exact gradient: one kernel each way on the native engine.
 * @param inputs  at least one    @returns float32 [batch, all rows, d]    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE
 */
export function embedTokens(inputs: readonly TokenInput[]): Tensor {
  if (inputs.length === 0) throw new EtalonError("OUT_OF_RANGE", { argument: "inputs", value: [], allowed: "at least one" });
  const batch = inputs[0].x.shape[0];
  const d = inputs[0].layer.w.shape[1];
  for (const [i, { x, layer, positions }] of inputs.entries()) {
    checkShape(`inputs[${i}].x`, x, [batch, null, layer.w.shape[0]]);
    checkLayer(`inputs[${i}].layer`, layer, null, d);
    checkShape(`inputs[${i}].positions`, positions, [x.shape[1] as number, d]);
  }
  if (hasFused("EtalonEmbedTokens") && inputs.every(({ x }) => x.size > 0)) {
    const layers = Object.fromEntries(inputs.map(({ layer }, i) => [`layer${i}`, layer]));
    const tensors = inputs.flatMap(({ x, positions }, i) => [[`x${i}`, x], [`positions${i}`, positions]]);
    return fusedLayer("EtalonEmbedTokens", Object.fromEntries(tensors), layers, { count: inputs.length });
  }
  return tf.concat(inputs.map(({ x, layer, positions }) => plainLayer(x, layer).add(positions)), 1);
} // biome-ignore format: long lines
