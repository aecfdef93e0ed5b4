import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import { adaptiveLinear, combinedEmbedding, doubleStreamLayer, embedTokens, type LinearLayer, singleStreamLayer } from "../src/index.ts"; // biome-ignore format: one import
import type { Case } from "./cases.ts";
import * as reference from "./reference.ts";

// The layers of a transformer with adaptive norms, for `cases`.
type D = reference.Dense;
type Layers<T> = Record<string, { w: T; b?: T; down?: T; up?: T }>;

/** Shapes of layers' tensors by their sizes, [inputs, outputs], with a bias, or [inputs, outputs, rank], with an adapter and no bias. */
const shapesOf = (sizes: Readonly<Record<string, readonly number[]>>): number[][] =>
  Object.values(sizes).flatMap(([inputs, outputs, rank]) =>
    rank === undefined
      ? [[inputs, outputs], [outputs]]
      : [
          [inputs, outputs],
          [inputs, rank],
          [rank, outputs],
        ],
  );

/** The layers' tensors from a list in the order of `shapesOf`. */
function layersOf<T>(sizes: Readonly<Record<string, readonly number[]>>, tensors: readonly T[]): Layers<T> {
  let at = 0;
  const next = () => tensors[at++];
  return Object.fromEntries(
    Object.entries(sizes).map(([name, { length }]) => [name, length === 2 ? { w: next(), b: next() } : { w: next(), down: next(), up: next() }]),
  );
} // biome-ignore format: long lines

/** The cases' values would make scores of hundreds, and float32 no match for 1e-5. */
const small = 0.3;

const asLayers = (sizes: Readonly<Record<string, readonly number[]>>, tensors: Tensor[]): Record<string, LinearLayer> =>
  Object.fromEntries(Object.entries(layersOf(sizes, tensors.map((tensor) => tensor.mul(small)))).map(([name, { w, b, down, up }]) => {
    const adapters = down && up ? [{ down: down as Tensor2D, up: up as Tensor2D, scale: 0.5 }] : [];
    return [name, { w: w as Tensor2D, b, adapters }];
  })); // biome-ignore format: long lines

/** A layer in float64, adapter and all. */
function through(layers: Layers<D>, name: string, x: D): D {
  const scaled = (tensor: D | undefined) => tensor && { ...tensor, data: tensor.data.map((value) => small * value) };
  const [w, b, down, up] = ["w", "b", "down", "up"].map((one) => scaled(layers[name][one as "w"]));
  if (w === undefined) throw new Error(`no layer ${name}`);
  const y = reference.linear(x, w, b);
  if (down === undefined || up === undefined) return y;
  const low = reference.linear(reference.linear(x, down), up);
  return { ...y, data: y.data.map((value, i) => value + 0.5 * low.data[i]) };
}

/** Columns [first, first + width) of rows. */
const columns = ({ shape, data }: D, first: number, width: number): D => {
  const all = shape.at(-1) as number;
  const out = { shape: [...shape.slice(0, -1), width], data: new Float64Array((data.length / all) * width) };
  return { ...out, data: out.data.map((_, i) => data[Math.floor(i / width) * all + first + (i % width)]) };
};

/** Parts of adaptive vectors [batch, parts·d], each [batch, 1, d]. */
function vectors(layers: Layers<D>, name: string, condition: D, parts: number): D[] {
  const all = through(layers, name, condition);
  const d = all.shape[1] / parts;
  return Array.from({ length: parts }, (_, i) => ({ ...columns(all, i * d, d), shape: [all.shape[0], 1, d] }));
}

/** Rows [first, first + count) of each sample. */
const rowsOf = ({ shape: [batch, rows, d], data }: D, first: number, count: number): D => ({
  shape: [batch, count, d],
  data: Float64Array.from({ length: batch * count * d }, (_, i) => {
    const [sample, within] = [Math.floor(i / (count * d)), i % (count * d)];
    return data[(sample * rows + first) * d + within];
  }),
});

/** Samples' rows of several tensors, one tensor's after the other's. */
function joined(...parts: D[]): D {
  const [batch, , d] = parts[0].shape;
  const rows = parts.reduce((sum, { shape }) => sum + shape[1], 0);
  const samples = Array.from({ length: batch }, (_, i) =>
    parts.flatMap(({ shape, data }) => [...data.subarray(i * shape[1] * d, (i + 1) * shape[1] * d)]),
  );
  return { shape: [batch, rows, d], data: Float64Array.from(samples.flat()) };
}

const beside = (a: D, b: D): D => {
  const [m, n] = [a.shape[2], b.shape[2]];
  const at = (i: number) => [Math.floor(i / (m + n)), i % (m + n)];
  return {
    shape: [a.shape[0], a.shape[1], m + n],
    data: Float64Array.from({ length: (a.data.length / m) * (m + n) }, (_, i) => {
      const [row, column] = at(i);
      return column < m ? a.data[row * m + column] : b.data[row * n + column - m];
    }),
  };
};

const normed = (x: D, scale: D, shift: D): D => reference.modulate(reference.layerNorm(x, 0.1), scale, shift);

const double = {
  "context.norm": [4, 36], "context.q": [6, 8], "context.k": [6, 8, 2], "context.v": [6, 4], "context.out": [4, 6], "context.up": [6, 5], "context.down": [5, 6, 1],
  "image.norm": [4, 36, 2], "image.q": [6, 8], "image.k": [6, 8], "image.v": [6, 4, 1], "image.out": [4, 6, 2], "image.up": [6, 7, 2], "image.down": [7, 6],
}; // biome-ignore format: a table
const single = { norm: [4, 18], q: [6, 8], k: [6, 8, 2], v: [6, 4], up: [6, 7], out: [11, 6] };
const adapted = { norm: [4, 18, 1], q: [6, 8], k: [6, 8, 1], v: [6, 4], up: [6, 7, 2], out: [11, 6, 3] };
const options = { heads: 2, epsilon: 0.1 };

function doubleTruth(x: D, condition: D, tensors: D[]): D {
  const layers = layersOf(double, tensors);
  const streams = [{ name: "context", first: 0, count: 2 }, { name: "image", first: 2, count: 3 }].map(({ name, first, count }) => {
    const [shift, scale, gate, ...mlp] = vectors(layers, `${name}.norm`, condition, 6);
    const part = rowsOf(x, first, count);
    const projected = ["q", "k", "v"].map((one) => through(layers, `${name}.${one}`, normed(part, scale, shift)));
    return { name, part, gate, mlp, first, count, projected };
  });
  const [q, k, v] = [0, 1, 2].map((i) => joined(...streams.map(({ projected }) => projected[i])));
  const seen = reference.multiHeadAttention(q, k, v, 2);
  return joined(...streams.map(({ name, part, gate, mlp: [shift, scale, mlpGate], first, count }) => {
    const sum = reference.gatedResidual(part, through(layers, `${name}.out`, rowsOf(seen, first, count)), gate);
    const inner = reference.gelu(through(layers, `${name}.up`, normed(sum, scale, shift)));
    return reference.gatedResidual(sum, through(layers, `${name}.down`, inner), mlpGate);
  }));
} // biome-ignore format: long lines

const singleTruth = (sizes: typeof single, f: (x: D) => D) => (x: D, condition: D, ...tensors: D[]): D => {
  const layers = layersOf(sizes, tensors);
  const [shift, scale, gate] = vectors(layers, "norm", condition, 3);
  const n = normed(x, scale, shift);
  const [q, k, v] = ["q", "k", "v"].map((name) => through(layers, name, n));
  const inner = beside(reference.multiHeadAttention(q, k, v, 2), f(through(layers, "up", n)));
  return reference.gatedResidual(x, through(layers, "out", inner), gate);
}; // biome-ignore format: long lines

const end = { norm: [4, 12], out: [6, 5] };
const embedding = { first0: [4, 7], second0: [7, 3, 2], first1: [5, 2, 1], second1: [2, 3] };
const tokens = { layer0: [4, 6], layer1: [5, 6, 2] };

export const streamCases: Case[] = [
  [
    "doubleStreamLayer",
    [[2, 5, 6], [2, 4], ...shapesOf(double)],
    (x, condition, ...tensors) => {
      const layers = asLayers(double, tensors);
      const stream = (name: string) => {
        const [norm, q, k, v, out, up, down] = ["norm", "q", "k", "v", "out", "up", "down"].map((one) => layers[`${name}.${one}`]);
        return { norm, q, k, v, out, up, down };
      };
      return doubleStreamLayer(x, condition, { context: stream("context"), image: stream("image") }, { ...options, activation: "gelu", contextRows: 2 });
    },
    (x, condition, ...tensors) => doubleTruth(x, condition, tensors),
  ],
  [
    "singleStreamLayer",
    [[2, 3, 6], [2, 4], ...shapesOf(single)],
    (x, condition, ...tensors) => singleStreamLayer(x, condition, asLayers(single, tensors) as never, { ...options, activation: "silu" }),
    singleTruth(single, reference.silu),
  ],
  [
    "singleStreamLayer with adapters",
    [[2, 3, 6], [2, 4], ...shapesOf(adapted)],
    (x, condition, ...tensors) => singleStreamLayer(x, condition, asLayers(adapted, tensors) as never, { ...options, activation: "gelu-erf" }),
    singleTruth(adapted, reference.geluErf),
  ],
  [
    "adaptiveLinear of all rows",
    [[2, 3, 6], [2, 4], ...shapesOf(end)],
    (x, condition, ...tensors) => adaptiveLinear(x, condition, asLayers(end, tensors) as never, { epsilon: 0.1 }),
    (x, condition, ...tensors) => {
      const layers = layersOf(end, tensors);
      const [scale, shift] = vectors(layers, "norm", condition, 2);
      return through(layers, "out", normed(x, scale, shift));
    },
  ],
  [
    "adaptiveLinear of the last rows",
    [[2, 5, 6], [2, 4], ...shapesOf(end)],
    (x, condition, ...tensors) => adaptiveLinear(x, condition, asLayers(end, tensors) as never, { skip: 3, epsilon: 0.1 }),
    (x, condition, ...tensors) => {
      const layers = layersOf(end, tensors);
      const [scale, shift] = vectors(layers, "norm", condition, 2);
      return through(layers, "out", normed(rowsOf(x, 3, 2), scale, shift));
    },
  ],
  [
    "combinedEmbedding",
    [[3, 4], [3, 5], ...shapesOf(embedding)],
    (a, b, ...tensors) => {
      const { first0, second0, first1, second1 } = asLayers(embedding, tensors);
      return combinedEmbedding([{ x: a, first: first0, second: second0 }, { x: b, first: first1, second: second1 }]);
    },
    (a, b, ...tensors) => {
      const layers = layersOf(embedding, tensors);
      const one = (x: D, i: number) => through(layers, `second${i}`, reference.silu(through(layers, `first${i}`, x)));
      return reference.silu(reference.add(one(a, 0), one(b, 1)));
    },
  ],
  [
    "embedTokens",
    [[2, 3, 4], [2, 2, 5], [3, 6], [2, 6], ...shapesOf(tokens)],
    (a, b, atA, atB, ...tensors) => {
      const { layer0, layer1 } = asLayers(tokens, tensors);
      return embedTokens([{ x: a, layer: layer0, positions: atA }, { x: b, layer: layer1, positions: atB }]);
    },
    (a, b, atA, atB, ...tensors) => {
      const layers = layersOf(tokens, tensors);
      const placed = (x: D, at: D) => ({ ...x, data: x.data.map((v, i) => v + at.data[i % at.data.length]) });
      return joined(placed(through(layers, "layer0", a), atA), placed(through(layers, "layer1", b), atB));
    },
  ],
]; // biome-ignore format: a table
