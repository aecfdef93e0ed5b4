import { EtalonError } from "@etalon/errors";
import type { Tensor } from "@tensorflow/tfjs";
import { checkShape } from "./checkShape.ts";
import { hasFused } from "./fused.ts";
import { fusedLayer } from "./fusedLayer.ts";
import { activatedLayer, checkLayer, type LinearLayer, plainLayer } from "./LayerTensors.ts";
import { silu } from "./silu.ts";

/** Two linear layers with SiLU between them. */
export interface Mlp {
  first: LinearLayer;
  second: LinearLayer;
}

/**
 * What the blocks of a DiT are conditioned on: SiLU(Σ second(SiLU(first(x)))) over the inputs, the time's wave and the pooled text, say (diffusers'
 * CombinedTimestepTextProjEmbeddings and the SiLU in front of every adaptive norm), with its exact gradient: one kernel each way on the native engine.
 * @param inputs  each x float32 [batch, its width]; at least one    @returns float32 [batch, outputs]    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE
 */
export function combinedEmbedding(inputs: readonly (Mlp & { x: Tensor })[]): Tensor {
  if (inputs.length === 0) throw new EtalonError("OUT_OF_RANGE", { argument: "inputs", value: [], allowed: "at least one" });
  const [{ x, second }] = inputs;
  for (const [i, input] of inputs.entries()) {
    checkShape(`inputs[${i}].x`, input.x, [x.shape[0], input.first.w.shape[0]]);
    checkLayer(`inputs[${i}].first`, input.first, null, input.second.w.shape[0]);
    checkLayer(`inputs[${i}].second`, input.second, null, second.w.shape[1]);
  }
  if (hasFused("EtalonCombinedEmbedding") && inputs.every((input) => input.x.size > 0)) {
    const layers = inputs.flatMap((input, i) => [[`first${i}`, input.first], [`second${i}`, input.second]]);
    const tensors = Object.fromEntries(inputs.map((input, i) => [`x${i}`, input.x]));
    return fusedLayer("EtalonCombinedEmbedding", tensors, Object.fromEntries(layers), { count: inputs.length });
  }
  const embedded = inputs.map((input) => plainLayer(activatedLayer(input.x, input.first, "silu"), input.second));
  return silu(embedded.reduce((sum, one) => sum.add(one)));
} // biome-ignore format: long lines
