import { check } from "@etalon/errors";
import type { Tensor } from "@tensorflow/tfjs";
import { checkShape } from "./checkShape.ts";
import { hasFused } from "./fused.ts";
import { fusedLayer } from "./fusedLayer.ts";
import { geglu } from "./geglu.ts";
import { checkLayer, type LinearLayer, plainLayer } from "./LayerTensors.ts";
import { type AffineNorm, layerNorm } from "./layerNorm.ts";

/**
 * The gated MLP of a transformer: x + down(geglu(up(LayerNorm(x)))), with its exact gradient: one kernel each way on the native engine.
 * @param x  float32 [..., channels]    @param layers  up: to twice the width; down: from the width    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE
 */
export function feedForwardLayer(x: Tensor, { norm, up, down }: { norm: AffineNorm; up: LinearLayer; down: LinearLayer }): Tensor {
  const { gain, bias, epsilon = 1e-5 } = norm;
  const channels = x.shape[x.rank - 1] as number;
  checkShape("x", x, x.rank >= 1 ? x.shape : [null]);
  checkLayer("down", down, null, channels);
  checkLayer("up", up, channels, 2 * down.w.shape[0]);
  check.range("epsilon", epsilon, { above: 0 });
  for (const [name, vector] of Object.entries({ gain, bias })) checkShape(name, vector, [channels]);
  if (hasFused("EtalonFeedForwardLayer") && x.size > 0) {
    return fusedLayer("EtalonFeedForwardLayer", { x, gain, bias }, { up, down }, { epsilon });
  }
  return plainLayer(geglu(plainLayer(layerNorm(x, epsilon, norm), up)), down).add(x);
} // biome-ignore format: long lines
