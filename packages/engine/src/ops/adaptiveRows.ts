import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { type LinearLayer, plainLayer } from "./LayerTensors.ts";

/** The vectors of an adaptive norm, `parts` of [batch, 1, d], from a condition [batch, width]. */
export const adaptiveVectors = (condition: Tensor, norm: LinearLayer, parts: number): Tensor[] =>
  tf.split(plainLayer(condition, norm).expandDims(1), parts, 2);

/** The `count` rows of each sample from `first` on. */
export const rowsFrom = (x: Tensor, first: number, count: number): Tensor => x.slice([0, first, 0], [-1, count, -1]);
