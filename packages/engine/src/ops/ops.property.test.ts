import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as reference from "../../test/reference.ts";
import { started } from "../../test/startEngine.ts";
import { attentionLayer, feedForwardLayer, gatedResidual, geglu, gelu, geluErf, groupNorm, layerNorm, layerNormModulate, linear, linearLayer, modulate, multiHeadAttention, rmsNorm, rope, silu, tf, unpack } from "../index.ts"; // biome-ignore format: one import

// The fused operations beside float64 over drawn shapes, options and values; a failure prints its seed.
type D = reference.Dense;
const runs = { numRuns: 20 };
const upTo = (max: number, min = 1) => fc.integer({ min, max });
const seeds = fc.integer({ min: 1, max: 1e6 });
const activations = fc.constantFrom(undefined, "silu" as const, "gelu" as const, "gelu-erf" as const);
const truths = { silu: reference.silu, gelu: reference.gelu, "gelu-erf": reference.geluErf };
const sizeOf = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);

/** float32 values in ±scale from a seed; one in nine is 0 or −0. */
function drawn(shape: number[], seed: number, scale = 1): D {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const value = () => (next() < 1 / 9 ? (next() < 0.5 ? 0 : -0) : scale * (2 * next() - 1));
  return { shape, data: Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(value())) };
}

const tensorOf = ({ shape, data }: D): Tensor => tf.tensor(Float32Array.from(data), shape);
const largest = (data: Iterable<number>) => [...data].reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** To `allowed` of the largest value, or of 1 where they are smaller. */
function near(got: ArrayLike<number>, want: ArrayLike<number>, allowed: number, what: string): void {
  expect(got.length, what).toBe(want.length);
  const bound = allowed * Math.max(1, largest(Array.from(want)));
  for (let i = 0; i < want.length; i++) {
    if (Number.isNaN(want[i]) ? !Number.isNaN(got[i]) : !(Math.abs(got[i] - want[i]) <= bound)) expect.unreachable(`${what}[${i}] is ${got[i]}, expected ${want[i]} to ${bound}`);
  }
} // biome-ignore format: long lines

/** Values, and for few inputs the gradients too, beside float64's. */
function alike(op: (...x: Tensor[]) => Tensor, truth: (...x: D[]) => D, inputs: D[], allowed = 2e-5): void {
  const want = truth(...inputs);
  const dy = drawn(want.shape, 77);
  const few = inputs.reduce((sum, { data }) => sum + data.length, 0) <= 300;
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const given = inputs.map(tensorOf);
    const y = op(...given);
    expect(y.shape).toEqual(want.shape);
    near(y.dataSync(), want.data, allowed, "value");
    if (!few) return;
    const exact = reference.gradients(truth, inputs, dy.data);
    for (const [i, gradient] of tf.grads(op)(given, tensorOf(dy)).entries()) near(gradient.dataSync(), exact[i], 5 * allowed, `gradient ${i}`);
  });
  expect(tf.memory().numTensors).toBe(before);
} // biome-ignore format: long lines

const times = (x: D, factor: number): D => ({ ...x, data: x.data.map((value) => factor * value) });
const affine = (x: D, epsilon: number, gain: D, bias: D): D => {
  const d = gain.data.length;
  const normal = reference.layerNorm(x, epsilon);
  return { ...normal, data: normal.data.map((value, i) => value * gain.data[i % d] + bias.data[i % d]) };
};

test(`linear with each activation on ${started.name}`, () => {
  const sizes = fc.record({ outer: fc.array(upTo(4, 0), { maxLength: 2 }), inputs: upTo(40, 0), outputs: upTo(20), bias: fc.boolean(), activation: activations, seed: seeds, scale: fc.constantFrom(1, 100) });
  fc.assert(fc.property(sizes, ({ outer, inputs, outputs, bias, activation, seed, scale }) => {
    const given = [drawn([...outer, inputs], seed, scale), drawn([inputs, outputs], seed + 1, 1 / scale), ...(bias ? [drawn([outputs], seed + 2)] : [])];
    const truth = (x: D, w: D, b?: D) => (activation ? truths[activation] : (y: D) => y)(reference.linear(x, w, b));
    alike((x, w, b) => linear(x, w as Tensor2D, b, activation), truth as never, given, scale === 1 ? 2e-5 : 2e-4);
  }), runs);
}); // biome-ignore format: long lines

test("linear: a NaN stays in its row", () => {
  fc.assert(fc.property(upTo(9), upTo(40), upTo(33), fc.nat(8), seeds, (rows, inputs, outputs, at, seed) => {
    const x = drawn([rows, inputs], seed);
    const row = at % rows;
    x.data[row * inputs + (seed % inputs)] = Number.NaN;
    const y = tf.tidy(() => linear(tensorOf(x), tf.ones([inputs, outputs]))).dataSync();
    y.forEach((value, i) => void (Number.isNaN(value) !== (Math.floor(i / outputs) === row) && expect.unreachable(`element ${i} is ${value}`)));
  }), runs);
}); // biome-ignore format: long lines

/** Row by row: each sees the keys up to its own. */
function causalTruth(q: D, k: D, v: D, heads: number): D {
  const [batch, rows] = q.shape;
  const part = ({ shape, data }: D, sample: number, first: number, count: number): D => {
    const [, all, width] = shape;
    return { shape: [1, count, width], data: data.subarray((sample * all + first) * width, (sample * all + first + count) * width) };
  };
  const each = Array.from({ length: batch * rows }, (_, at) => {
    const [sample, row] = [Math.floor(at / rows), at % rows];
    return [...reference.multiHeadAttention(part(q, sample, row, 1), part(k, sample, 0, row + 1), part(v, sample, 0, row + 1), heads).data];
  });
  return { shape: [batch, rows, v.shape[2]], data: Float64Array.from(each.flat()) };
} // biome-ignore format: long lines

const attentionSizes = fc.record({
  batch: upTo(2),
  heads: upTo(3),
  queries: upTo(9),
  keys: upTo(20),
  depth: upTo(12),
  width: upTo(9),
  causal: fc.boolean(),
  seed: seeds,
});

test("attention of several heads, causal or not; its weights sum to 1; large scores stay within the values", () => {
  fc.assert(fc.property(attentionSizes, ({ batch, heads, queries, keys: any, depth, width, causal, seed }) => {
    const keys = causal ? queries : any;
    const [q, k, v] = [drawn([batch, queries, heads * depth], seed), drawn([batch, keys, heads * depth], seed + 1), drawn([batch, keys, heads * width], seed + 2)];
    const truth = (a: D, b: D, c: D) => (causal ? causalTruth(a, b, c, heads) : reference.multiHeadAttention(a, b, c, heads));
    alike((a, b, c) => multiHeadAttention(a, b, c, heads, causal), truth, [q, k, v]);
    const run = (a: D, c: D) => tf.tidy(() => multiHeadAttention(tensorOf(a), tensorOf(k), tensorOf(c), heads, causal)).dataSync();
    const ones = { ...v, data: v.data.map(() => 1) };
    near(run(q, ones), new Float32Array(sizeOf([batch, queries, heads * width])).fill(1), 2e-6, "sum of weights");
    const most = largest(v.data);
    for (const value of run(times(q, 1000), v)) expect(Math.abs(value)).toBeLessThanOrEqual(most * (1 + 1e-5));
  }), runs);
}); // biome-ignore format: long lines

const rowSizes = fc.record({
  batch: upTo(3, 0),
  rows: upTo(5, 0),
  d: upTo(20, 2),
  seed: seeds,
  epsilon: fc.constantFrom(1e-6, 0.01, 0.5),
  offset: fc.constantFrom(0, 10),
});

test("norms over the last axis, modulated, gated, with gains", () => {
  fc.assert(fc.property(rowSizes, ({ batch, rows, d, seed, epsilon, offset }) => {
    const x = drawn([batch, rows, d], seed);
    const moved = { ...x, data: x.data.map((value) => Math.fround(value + offset)) };
    const [a, b] = [drawn([batch, 1, d], seed + 1), drawn([batch, 1, d], seed + 2)];
    const [gain, bias] = [drawn([d], seed + 3), drawn([d], seed + 4)];
    const steep = Math.max(epsilon, 0.01); // of the gradients, where a row hardly varies
    alike((t) => layerNorm(t, steep), (t) => reference.layerNorm(t, steep), [moved], 1e-4);
    alike((t, g, h) => layerNorm(t, steep, { gain: g, bias: h }), (t, g, h) => affine(t, steep, g, h), [moved, gain, bias], 1e-4);
    alike((t, s, h) => layerNormModulate(t, s, h, steep), (t, s, h) => reference.modulate(reference.layerNorm(t, steep), s, h), [moved, a, b], 1e-4);
    alike((t, g) => rmsNorm(t, g, steep), (t, g) => reference.rmsNorm(t, steep, g), [moved, gain], 1e-4);
    alike(modulate, reference.modulate, [x, a, b]);
    alike(gatedResidual, reference.gatedResidual, [x, moved, a]);
  }), runs);
}); // biome-ignore format: long lines

test("groupNorm, with and without gain and SiLU", () => {
  fc.assert(fc.property(fc.record({ batch: upTo(2, 0), pixels: upTo(6), groups: upTo(3), each: upTo(4, 2), affine: fc.boolean(), activate: fc.boolean(), seed: seeds }), ({ batch, pixels, groups, each, affine: has, activate, seed }) => {
    const channels = groups * each;
    const given = [drawn([batch, pixels, channels], seed), ...(has ? [drawn([channels], seed + 1), drawn([channels], seed + 2)] : [])];
    const truth = (x: D, gain?: D, bias?: D) => (activate ? reference.silu : (y: D) => y)(reference.groupNorm(x, groups, 0.05, gain, bias));
    alike((x, gain, bias) => groupNorm(x, groups, { gain, bias, epsilon: 0.05, silu: activate }), truth as never, given, 1e-4);
  }), runs);
}); // biome-ignore format: long lines

test("rope turns by its angles, keeps each head's norm, and the inverse angles turn back", () => {
  fc.assert(fc.property(fc.record({ batch: upTo(2, 0), tokens: upTo(6), heads: upTo(3), half: upTo(9), seed: seeds }), ({ batch, tokens, heads, half, seed }) => {
    const x = drawn([batch, tokens, heads * 2 * half], seed, 10);
    const angles = drawn([tokens, half], seed + 1, 7);
    const [cos, sin] = [Math.cos, Math.sin].map((f) => ({ ...angles, data: angles.data.map(f) }));
    const turned = (t: Tensor, direction = 1) => rope(t, tensorOf(cos) as Tensor2D, tensorOf(times(sin, direction)) as Tensor2D, heads);
    alike((t) => turned(t), (t) => reference.rope(t, cos, sin), [x]);
    const [there, back] = tf.tidy(() => [turned(tensorOf(x)).dataSync(), turned(turned(tensorOf(x)), -1).dataSync()]);
    near(back, x.data, 1e-6, "turned back");
    for (let i = 0; i < x.data.length; i += 2 * half) expect(Math.hypot(...there.subarray(i, i + 2 * half))).toBeCloseTo(Math.hypot(...x.data.subarray(i, i + 2 * half)), 3);
  }), runs);
}); // biome-ignore format: long lines

test("activations of any number, NaN and both zeros too", () => {
  const number = fc.oneof(fc.float({ min: -30, max: 30, noNaN: true }), fc.constantFrom(0, -0, 1e-30, -1e-30, 200, -200, Number.NaN));
  fc.assert(fc.property(fc.array(number, { maxLength: 20 }), (numbers) => {
    const x: D = { shape: [numbers.length], data: Float64Array.from(numbers) };
    for (const [op, truth] of [[silu, reference.silu], [gelu, reference.gelu], [geluErf, reference.geluErf]] as const) {
      const got = tf.tidy(() => op(tensorOf(x))).dataSync();
      truth(x).data.forEach((want, i) => {
        if (Number.isNaN(want) ? !Number.isNaN(got[i]) : !(Math.abs(got[i] - want) <= 2e-6 * Math.max(1, Math.abs(want)))) expect.unreachable(`of ${numbers[i]}: ${got[i]}, expected ${want}`);
      });
    }
  }), { numRuns: 40 });
  fc.assert(fc.property(upTo(4, 0), upTo(20), seeds, (rows, width, seed) => alike(geglu, reference.geglu, [drawn([rows, 2 * width], seed, 3)])), runs);
}); // biome-ignore format: long lines

test("unpack of any words", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 65535 }), { maxLength: 40 }), (words) => {
    const got = tf.tidy(() => unpack("bf16", Uint16Array.from(words), [words.length])).dataSync();
    const want = new Float32Array(Uint32Array.from(words, (word) => word << 16).buffer);
    expect(Array.from(got)).toEqual(Array.from(want));
  }), runs);
}); // biome-ignore format: long lines

/** A layer's tensors and those of its adapters, all inputs that want gradients: [w, b, down, up, down, up, …]. */
const layerShapes = (inputs: number, outputs: number, ranks: number[]) => [[inputs, outputs], [outputs], ...ranks.flatMap((rank) => [[inputs, rank], [rank, outputs]])]; // biome-ignore format: a line
const asLayer = ([w, b, ...rest]: Tensor[]) => ({
  w: w as Tensor2D,
  b,
  adapters: rest.flatMap((down, i) => (i % 2 ? [] : [{ down: down as Tensor2D, up: rest[i + 1] as Tensor2D, scale: 0.5 }])),
}); // biome-ignore format: long lines
function layerTruth(x: D, [w, b, ...rest]: D[]): D {
  let y = reference.linear(x, w, b);
  for (let i = 0; i < rest.length; i += 2) y = reference.add(y, times(reference.linear(reference.linear(x, rest[i]), rest[i + 1]), 0.5));
  return y;
} // biome-ignore format: long lines
const ranks = fc.array(upTo(4), { maxLength: 3 });
const draws = (shapes: number[][], seed: number, scale = 0.7) =>
  shapes.map((shape, i) => drawn(shape, seed + 31 * i, scale));

test("linearLayer with any adapters, with and without a residual", () => {
  fc.assert(fc.property(fc.record({ rows: upTo(5, 0), inputs: upTo(9), outputs: upTo(9), ranks, residual: fc.boolean(), seed: seeds }), (c) => {
    const shapes = layerShapes(c.inputs, c.outputs, c.ranks);
    const given = draws([[c.rows, c.inputs], ...(c.residual ? [[c.rows, c.outputs]] : []), ...shapes], c.seed);
    const split = <T>(all: T[]) => [all[0], c.residual ? all[1] : undefined, all.slice(c.residual ? 2 : 1)] as const;
    const op = (...all: Tensor[]) => {
      const [x, residual, layer] = split(all);
      return linearLayer(x, asLayer(layer), residual);
    };
    alike(op, (...all) => {
      const [x, residual, layer] = split(all);
      const y = layerTruth(x, layer);
      return residual ? reference.add(y, residual) : y;
    }, given, 5e-5);
  }), runs);
}); // biome-ignore format: long lines

test("feedForwardLayer with any adapters", () => {
  fc.assert(fc.property(fc.record({ rows: upTo(4, 0), d: upTo(6, 2), inner: upTo(5), first: ranks, second: ranks, seed: seeds }), ({ rows, d, inner, first, second, seed }) => {
    const [up, down] = [layerShapes(d, 2 * inner, first), layerShapes(inner, d, second)];
    const given = draws([[rows, d], [d], [d], ...up, ...down], seed);
    const op = (x: Tensor, gain: Tensor, bias: Tensor, ...rest: Tensor[]) => feedForwardLayer(x, { norm: { gain, bias, epsilon: 0.1 }, up: asLayer(rest.slice(0, up.length)), down: asLayer(rest.slice(up.length)) });
    const truth = (x: D, gain: D, bias: D, ...rest: D[]) => reference.add(layerTruth(reference.geglu(layerTruth(affine(x, 0.1, gain, bias), rest.slice(0, up.length))), rest.slice(up.length)), x);
    alike(op as never, truth as never, given, 1e-4);
  }), runs);
}); // biome-ignore format: long lines

test("attentionLayer to itself and to a context, causal too, with any adapters", () => {
  const sizes = fc.record({ batch: upTo(2, 0), rows: upTo(4), d: upTo(4, 2), heads: upTo(2), depth: upTo(3), width: upTo(3), context: fc.boolean(), causal: fc.boolean(), wide: upTo(5), seen: upTo(4), ranks: fc.tuple(ranks, ranks, ranks, ranks), seed: seeds });
  fc.assert(fc.property(sizes, ({ batch, rows, d, heads, depth, width, context, causal: mayBe, wide, seen, ranks: [rq, rk, rv, ro], seed }) => {
    const causal = mayBe && !context;
    const source = context ? wide : d;
    const parts = [layerShapes(d, heads * depth, rq), layerShapes(source, heads * depth, rk), layerShapes(source, heads * width, rv), layerShapes(heads * width, d, ro)];
    const given = draws([[batch, rows, d], ...(context ? [[batch, seen, wide]] : []), [d], [d], ...parts.flat()], seed);
    const split = <T>(all: T[]) => {
      const [x, ...rest] = all;
      const other = context ? rest.shift() : undefined;
      const [gain, bias] = rest.splice(0, 2);
      const [q, k, v, out] = parts.map(({ length }) => rest.splice(0, length));
      return { x, other, gain, bias, q, k, v, out };
    };
    const op = (...all: Tensor[]) => {
      const { x, other, gain, bias, q, k, v, out } = split(all);
      return attentionLayer(x, { norm: { gain, bias, epsilon: 0.1 }, q: asLayer(q), k: asLayer(k), v: asLayer(v), out: asLayer(out) }, { heads, causal }, other);
    };
    const truth = (...all: D[]) => {
      const { x, other, gain, bias, q, k, v, out } = split(all);
      const n = affine(x, 0.1, gain, bias);
      const [a, b, c] = [layerTruth(n, q), layerTruth(other ?? n, k), layerTruth(other ?? n, v)];
      return reference.add(layerTruth(causal ? causalTruth(a, b, c, heads) : reference.multiHeadAttention(a, b, c, heads), out), x);
    };
    alike(op, truth, given, 1e-4);
  }), runs);
}); // biome-ignore format: long lines
