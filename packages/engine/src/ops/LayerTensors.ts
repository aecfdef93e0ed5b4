import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { type Activation, activate } from "./activations.ts";
import { checkShape } from "./checkShape.ts";
import { linear } from "./linear.ts";

/** What a low-rank adapter adds to a layer: scale·(x·down)·up (Hu et al., arXiv:2106.09685). */
export interface LowRank {
  /** float32 [inputs, rank]. */
  down: Tensor2D;
  /** float32 [rank, outputs]. */
  up: Tensor2D;
  scale: number;
}

/** The tensors of a linear layer: x·w + b, and its adapters. */
export interface LinearLayer {
  /** float32 [inputs, outputs]. */
  w: Tensor2D;
  /** float32 [outputs], or none. */
  b?: Tensor;
  adapters?: readonly LowRank[];
}

/** @throws EtalonError BAD_SHAPE, BAD_TYPE: names the tensor */
export function checkLayer(name: string, { w, b, adapters = [] }: LinearLayer, inputs: number | null, outputs: number | null): void {
  checkShape(`${name}.w`, w, [inputs, outputs]);
  if (b !== undefined) checkShape(`${name}.b`, b, [w.shape[1]]);
  for (const [i, { down, up }] of adapters.entries()) {
    checkShape(`${name}.adapters[${i}].down`, down, [w.shape[0], null]);
    checkShape(`${name}.adapters[${i}].up`, up, [down.shape[1], w.shape[1]]);
  }
} // biome-ignore format: long lines

/** Layers' tensors by the names that their kernels know, and their adapters' scales. */
export function layerInputs(layers: Readonly<Record<string, LinearLayer | undefined>>) {
  const tensors: Record<string, Tensor | undefined> = {};
  const scales: Record<string, number[]> = {};
  for (const [name, layer] of Object.entries(layers)) {
    if (layer === undefined) continue;
    const { w, b, adapters = [] } = layer;
    tensors[`${name}.w`] = w;
    tensors[`${name}.b`] = b;
    for (const [i, { down, up }] of adapters.entries()) {
      tensors[`${name}.down${i}`] = down;
      tensors[`${name}.up${i}`] = up;
    }
    scales[name] = adapters.map(({ scale }) => scale);
  }
  return { tensors, scales };
}

/** The layer made of `linear`: for engines without the kernel of one. */
export function plainLayer(x: Tensor, { w, b, adapters = [] }: LinearLayer): Tensor {
  return adapters.reduce(
    (sum, { down, up, scale }) => sum.add(linear(tf.mul(linear(x, down), scale), up)),
    linear(x, w, b),
  );
}

/** The layer's outputs through an activation, likewise. */
export const activatedLayer = (x: Tensor, layer: LinearLayer, activation: Activation): Tensor =>
  layer.adapters?.length ? activate(plainLayer(x, layer), activation) : linear(x, layer.w, layer.b, activation);
