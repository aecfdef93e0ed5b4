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
  const names = tensorNames(name, 0);
  checkShape(names.w, w, [inputs, outputs]);
  if (b !== undefined) checkShape(names.b, b, [w.shape[1]]);
  for (const [i, { down, up }] of adapters.entries()) {
    checkShape(`${name}.adapters[${i}].down`, down, [w.shape[0], null]);
    checkShape(`${name}.adapters[${i}].up`, up, [down.shape[1], w.shape[1]]);
  }
} // biome-ignore format: long lines

/** The names that kernels know a layer's tensors by. */
interface TensorNames {
  w: string;
  b: string;
  down: string[];
  up: string[];
}

/** Made once: a name that is put together anew is slow to look up by. */
const namesByLayer = new Map<string, TensorNames>();

function tensorNames(layer: string, adapters: number): TensorNames {
  let names = namesByLayer.get(layer);
  if (names === undefined) {
    names = { w: `${layer}.w`, b: `${layer}.b`, down: [], up: [] };
    namesByLayer.set(layer, names);
  }
  for (let i = names.down.length; i < adapters; i++) {
    names.down.push(`${layer}.down${i}`);
    names.up.push(`${layer}.up${i}`);
  }
  return names;
}

/** Layers by name; one that is left out is undefined. */
export type NamedLayers = Readonly<Record<string, LinearLayer | undefined>>;

/** Puts layers' tensors into `inputs`, by the names that their kernels know. @returns the adapters' scales of those that have any */
export function addLayers(inputs: Record<string, Tensor>, layers: NamedLayers): Record<string, number[]> {
  const scales: Record<string, number[]> = {};
  for (const name in layers) {
    const layer = layers[name];
    if (layer === undefined) continue;
    const { w, b, adapters = [] } = layer;
    const names = tensorNames(name, adapters.length);
    inputs[names.w] = w;
    if (b !== undefined) inputs[names.b] = b;
    for (const [i, { down, up }] of adapters.entries()) {
      inputs[names.down[i]] = down;
      inputs[names.up[i]] = up;
    }
    if (adapters.length > 0) scales[name] = adapters.map(({ scale }) => scale);
  }
  return scales;
}

/** All tensors of some layers. */
export function tensorsOf(layers: NamedLayers): Tensor[] {
  const tensors: Record<string, Tensor> = {};
  addLayers(tensors, layers);
  return Object.values(tensors);
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
