import { check } from "@etalon/errors";
import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { type Activation, activations } from "./activations.ts";
import { adaptiveVectors, rowsFrom } from "./adaptiveRows.ts";
import { checkShape } from "./checkShape.ts";
import { hasFused } from "./fused.ts";
import { fusedLayer } from "./fusedLayer.ts";
import { gatedResidual } from "./gatedResidual.ts";
import { activatedLayer, checkLayer, type LinearLayer, plainLayer } from "./LayerTensors.ts";
import { layerNormModulate } from "./layerNormModulate.ts";
import { multiHeadAttention } from "./multiHeadAttention.ts";

/** The tensors of one stream of a block, d wide. */
export interface StreamTensors {
  /** From the condition to six vectors of d: shift, scale and gate of attention, then those of the MLP. */
  norm: LinearLayer;
  q: LinearLayer;
  k: LinearLayer;
  v: LinearLayer;
  out: LinearLayer;
  /** The MLP: into its width, and back. */
  up: LinearLayer;
  down: LinearLayer;
}

export interface DoubleStreamTensors {
  context: StreamTensors;
  image: StreamTensors;
}

/** How a block of streams is built. */
export interface StreamOptions {
  /** A divisor of the outputs of q and v. */
  heads: number;
  /** Of the MLP. */
  activation: Activation;
  /** Of the norms, > 0. Default 1e-6. */
  epsilon?: number;
}

/** The layers by the names that the kernel knows. */
const layerNames = (["context", "image"] as const).flatMap((stream) =>
  (["norm", "q", "k", "v", "out", "up", "down"] as const).map((layer) => ({
    name: `${stream}.${layer}`,
    stream,
    layer,
  })),
);

/**
 * A double-stream block of an MMDiT (Esser et al., arXiv:2403.03206, figure 2b): the rows of the context and those of the image, each with weights of their own, attend to all
 * rows together. Of each stream h = x + gate·out(attention), then h + gate·MLP, behind norms whose shifts and scales come from the condition. With its exact gradient: one kernel
 * each way on the native engine.
 * @param x  float32 [batch, rows, d], in each sample first the context's rows    @param condition  float32 [batch, width]    @param options  contextRows: 1 to rows − 1
 * @returns float32 [batch, rows, d]    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE
 */
export function doubleStreamLayer(x: Tensor, condition: Tensor, layers: DoubleStreamTensors, options: StreamOptions & { contextRows: number }): Tensor {
  const { heads, activation, contextRows, epsilon = 1e-6 } = options;
  checkShape("x", x, [null, null, null]);
  const [batch, rows, d] = x.shape as [number, number, number];
  checkShape("condition", condition, [batch, null]);
  checkStreams(options, epsilon);
  check.range("contextRows", contextRows, { min: 1, max: rows - 1, integer: true });
  for (const name of ["context", "image"] as const) checkStream(name, layers[name], condition.shape[1] as number, d, layers.image);
  const divides = [layers.image.q, layers.image.v].every(({ w }) => w.shape[1] % heads === 0);
  if (divides && hasFused("EtalonDoubleStreamLayer") && x.size > 0) {
    return fusedLayer("EtalonDoubleStreamLayer", { x, condition }, named(layers), { heads, activation, contextRows, epsilon });
  }
  const streams = (["context", "image"] as const).map((name) => {
    const [first, count] = name === "context" ? [0, contextRows] : [contextRows, rows - contextRows];
    const own = layers[name];
    const [shift, scale, gate, ...mlp] = adaptiveVectors(condition, own.norm, 6);
    const part = rowsFrom(x, first, count);
    const n = layerNormModulate(part, scale, shift, epsilon);
    return { own, part, gate, mlp, first, count, projected: [own.q, own.k, own.v].map((layer) => plainLayer(n, layer)) };
  });
  const [q, k, v] = [0, 1, 2].map((i) => tf.concat(streams.map(({ projected }) => projected[i]), 1));
  const seen = multiHeadAttention(q, k, v, heads);
  return tf.concat(streams.map(({ own, part, gate, mlp: [shift, scale, mlpGate], first, count }) => {
    const sum = gatedResidual(part, plainLayer(rowsFrom(seen, first, count), own.out), gate);
    const inner = activatedLayer(layerNormModulate(sum, scale, shift, epsilon), own.up, activation);
    return gatedResidual(sum, plainLayer(inner, own.down), mlpGate);
  }), 1);
} // biome-ignore format: long lines

/** @throws EtalonError OUT_OF_RANGE */
export function checkStreams({ heads, activation }: StreamOptions, epsilon: number): void {
  check.range("heads", heads, { min: 1, integer: true });
  check.oneOf("activation", activation, activations);
  check.range("epsilon", epsilon, { above: 0 });
}

/** Both streams' queries, keys and values are as wide as the image's. */
function checkStream(name: string, own: StreamTensors, width: number, d: number, { q, v }: StreamTensors): void {
  const [inner, outer, mlp] = [q.w.shape[1], v.w.shape[1], own.down.w.shape[0]];
  checkLayer(`${name}.norm`, own.norm, width, 6 * d);
  checkLayer(`${name}.q`, own.q, d, inner);
  checkLayer(`${name}.k`, own.k, d, inner);
  checkLayer(`${name}.v`, own.v, d, outer);
  checkLayer(`${name}.out`, own.out, outer, d);
  checkLayer(`${name}.down`, own.down, null, d);
  checkLayer(`${name}.up`, own.up, d, mlp);
}

function named(layers: DoubleStreamTensors): Record<string, LinearLayer> {
  const all: Record<string, LinearLayer> = {};
  for (const { name, stream, layer } of layerNames) all[name] = layers[stream][layer];
  return all;
}
