import "@etalon/testkit";
import type { Tensor, Tensor4D } from "@tensorflow/tfjs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { started } from "../../test/startEngine.ts";
import { tf } from "../index.ts";

// Every native kernel beside tfjs's JavaScript one, over shapes of rank 0 to 6 with axes of 0 and 1, float32, int32 and bool, NaN, infinities and zeros of both signs.
const onNative = describe.skipIf(started.name !== "native");

type Values = { shape: number[]; data: number[]; dtype: "float32" | "int32" | "bool" };
type Op = (...inputs: Tensor[]) => Tensor | Tensor[];

/** The outputs on a backend: shape, dtype, values. */
function outputs(backend: string, op: Op, inputs: Values[]) {
  const before = tf.getBackend();
  tf.setBackend(backend);
  try {
    const made = tf.tidy(() => {
      const out = op(...inputs.map(({ data, shape, dtype }) => tf.tensor(data, shape, dtype)));
      return (Array.isArray(out) ? out : [out]).map((tensor) => tensor.clone());
    });
    const read = made.map((tensor) => ({
      shape: tensor.shape,
      dtype: tensor.dtype,
      data: Array.from(tensor.dataSync()),
    }));
    tf.dispose(made);
    return read;
  } finally {
    tf.setBackend(before);
  }
}

function expectAlike(
  op: Op,
  inputs: Values[],
  tolerance: { atol?: number; rtol?: number } = { atol: 1e-6, rtol: 1e-5 },
): void {
  const [native, script] = ["etalon", "cpu"].map((backend) => outputs(backend, op, inputs));
  expect(native.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
    script.map(({ shape, dtype }) => ({ shape, dtype })),
  );
  for (const [i, { data }] of native.entries()) {
    const expected = script[i].data;
    expect(data.map(Number.isNaN)).toEqual(expected.map(Number.isNaN));
    const known = (values: number[]) => values.map((value) => (Number.isNaN(value) ? 0 : value));
    expect(known(data)).toBeAllclose(known(expected), tolerance);
  }
}

/** Whether tfjs's own kernels do it at all. */
function isServedByTfjs(op: Op, inputs: Values[]): boolean {
  try {
    outputs("cpu", op, inputs);
    return true;
  } catch {
    return false;
  }
}

const shapes = (maxRank = 6, least = 0) => fc.array(fc.integer({ min: least, max: 4 }), { maxLength: maxRank });
const wild = fc.oneof(
  { weight: 8, arbitrary: fc.float({ min: -50, max: 50, noNaN: true }) },
  fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, -0, 1e-40, 3e38, -1),
);
const tame = fc.float({ min: -3, max: 3, noNaN: true });
/** Small numbers, and now and then what is none: sums and products of them overflow in no order. */
const marked = fc.oneof({ weight: 12, arbitrary: tame }, fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, -0));
/** The same for products, which neither grow nor vanish: float32's end before float64's, which tfjs multiplies in, and 0·∞ is NaN. */
const signs = marked.map((value) => (Number.isFinite(value) && value !== 0 ? Math.sign(value) : value));
const whole = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const elements = {
  float32: wild,
  int32: fc.oneof(fc.integer({ min: -20, max: 20 }), whole),
  bool: fc.constantFrom(0, 1),
};
const sizeOf = (shape: number[]) => shape.reduce((a, b) => a * b, 1);
const filledAs = (
  shape: number[],
  dtype: Values["dtype"],
  element: fc.Arbitrary<number> = elements[dtype],
): fc.Arbitrary<Values> =>
  fc.array(element, { minLength: sizeOf(shape), maxLength: sizeOf(shape) }).map((data) => ({ shape, data, dtype }));
const anyOf = (dtype: Values["dtype"], maxRank = 6, least = 0, element?: fc.Arbitrary<number>) =>
  shapes(maxRank, least).chain((shape) => filledAs(shape, dtype, element));
const runs = { numRuns: 25 };

onNative("of one operand", () => {
  const float = ["abs", "neg", "square", "sqrt", "rsqrt", "reciprocal", "relu", "relu6", "sign", "floor", "ceil", "round", "exp", "expm1", "log", "log1p", "sigmoid", "tanh", "erf", "softplus", "elu", "selu", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "isNaN", "isInf", "isFinite", "leakyRelu", "step"] as const;
  test.each(float)("%s", (name) => {
    const f = tf[name] as (x: Tensor) => Tensor;
    const tolerance = name === "erf" ? { atol: 1e-6, rtol: 1e-5 } : { atol: 1e-7, rtol: 2e-6 }; // tfjs's own erf is good to 1.5e-7 only
    fc.assert(fc.property(anyOf("float32"), (x) => expectAlike(f, [x], tolerance)), runs);
  });
  test.each(["abs", "neg", "square", "relu", "sign"] as const)("%s of int32", (name) => {
    const small = fc.integer({ min: -4000, max: 4000 }); // squares that float32 holds: tfjs keeps them so
    fc.assert(fc.property(anyOf("int32", 4, 0, small), (x) => expectAlike(tf[name] as (x: Tensor) => Tensor, [x], { atol: 0, rtol: 0 })), runs);
  });
  test("clip, logicalNot, and casts of every kind", () => {
    fc.assert(fc.property(anyOf("float32"), tame, (x, low) => expectAlike((t) => tf.clipByValue(t, low, low + 2), [x])), runs);
    fc.assert(fc.property(anyOf("bool"), (x) => expectAlike((t) => tf.logicalNot(t), [x])), runs);
    for (const from of ["float32", "int32", "bool"] as const)
      for (const to of ["float32", "int32", "bool"] as const)
        fc.assert(fc.property(anyOf(from, 3, 0, from === "int32" ? fc.integer({ min: -(2 ** 24), max: 2 ** 24 }) : undefined), (x) => expectAlike((t) => tf.cast(t, to), [x], { atol: 0 })), runs);
  });
}); // biome-ignore format: a table

/** Two shapes that broadcast: axes of either become 1, and leading ones go. */
const pairOf = (dtype: Values["dtype"], element?: fc.Arbitrary<number>) =>
  fc.record({ shape: shapes(), ones: fc.array(fc.constantFrom(0, 1, 2), { minLength: 6, maxLength: 6 }), drop: fc.nat(3), swap: fc.boolean() }).chain(({ shape, ones, drop, swap }) => {
    const a = shape.map((extent, d) => (ones[d] === 1 ? 1 : extent));
    const b = shape.map((extent, d) => (ones[d] === 2 ? 1 : extent)).slice(Math.min(drop, shape.length));
    return fc.tuple(filledAs(swap ? b : a, dtype, element), filledAs(swap ? a : b, dtype, element));
  }); // biome-ignore format: long lines

onNative("of two operands, broadcast", () => {
  test.each(["add", "sub", "mul", "div", "maximum", "minimum", "squaredDifference", "atan2", "mod", "pow", "floorDiv"] as const)("%s", (name) => {
    fc.assert(fc.property(pairOf("float32"), (pair) => expectAlike(tf[name] as Op, pair, { atol: 1e-6, rtol: 1e-5 })), runs);
  }); // biome-ignore format: a table
  test.each(["add", "sub", "mul", "maximum", "minimum", "squaredDifference", "floorDiv"] as const)("%s of int32", (name) => {
    const element = name === "squaredDifference" ? fc.integer({ min: -40_000, max: 40_000 }) : undefined;
    fc.assert(fc.property(pairOf("int32", element), (pair) => expectAlike(tf[name] as Op, pair, { atol: 0 })), runs);
  }); // biome-ignore format: a table
  test.each(["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"] as const)("%s", (name) => {
    for (const dtype of ["float32", "int32"] as const)
      fc.assert(
        fc.property(pairOf(dtype), (pair) => expectAlike(tf[name] as Op, pair)),
        runs,
      );
  });
  test("logicalAnd, logicalOr, where, prelu", () => {
    fc.assert(fc.property(pairOf("bool"), (pair) => expectAlike(tf.logicalAnd, pair)), runs);
    fc.assert(fc.property(pairOf("bool"), (pair) => expectAlike(tf.logicalOr, pair)), runs);
    const three = shapes().chain((shape) => fc.tuple(filledAs(shape, "bool"), filledAs(shape, "float32"), filledAs(shape, "float32")));
    fc.assert(fc.property(three, (inputs) => expectAlike((c, t, e) => tf.where(c, t, e), inputs)), runs);
    fc.assert(fc.property(pairOf("float32", tame), (pair) => expectAlike((x, alpha) => tf.prelu(x, alpha), pair)), runs);
  }); // biome-ignore format: long lines
});

const withAxes = (dtype: Values["dtype"], least: number, element?: fc.Arbitrary<number>) =>
  anyOf(dtype, 6, least, element).chain((x) =>
    fc.tuple(fc.constant(x), fc.subarray(x.shape.map((_, d) => d)), fc.boolean()),
  );

onNative("reductions over any axes", () => {
  test.each(["sum", "mean", "prod", "max", "min"] as const)("%s", (name) => {
    const f = (axes: number[], keep: boolean) => (x: Tensor) => tf[name](x, axes, keep);
    // Nothing that overflows in one order of summing and not in another.
    const summable = wild.map((value) => (value === 3e38 ? 1e30 : value));
    for (const element of name === "prod" ? [tame, signs] : [tame, summable])
      fc.assert(fc.property(withAxes("float32", 1, element), ([x, axes, keep]) => {
        expectAlike(f(axes, keep), [x], { atol: 1e-5, rtol: 1e-5 });
      }), runs);
    const small = fc.integer({ min: -9, max: 9 });
    if (name !== "prod") fc.assert(fc.property(withAxes("int32", 1, small), ([x, axes, keep]) => expectAlike(f(axes, keep), [x], { atol: 1e-6, rtol: 1e-6 })), runs);
    if (name === "sum") fc.assert(fc.property(withAxes("float32", 0, tame), ([x, axes, keep]) => expectAlike(f(axes, keep), [x], { atol: 1e-5, rtol: 1e-5 })), runs);
  }); // biome-ignore format: long lines
  test("any, all, argMax, argMin, cumsum, softmax, logSoftmax", () => {
    for (const name of ["any", "all"] as const)
      fc.assert(fc.property(withAxes("bool", 1), ([x, axes, keep]) => expectAlike((t) => tf[name](t, axes, keep), [x])), runs);
    for (const element of [tame, marked]) {
      const oneAxis = anyOf("float32", 5, 1, element).filter(({ shape }) => shape.length > 0).chain((x) => fc.tuple(fc.constant(x), fc.nat(x.shape.length - 1)));
      for (const name of ["argMax", "argMin"] as const)
        fc.assert(fc.property(oneAxis, ([x, axis]) => expectAlike((t) => tf[name](t, axis), [x])), runs);
      fc.assert(fc.property(oneAxis, fc.boolean(), fc.boolean(), ([x, axis], exclusive, reverse) => expectAlike((t) => tf.cumsum(t, axis, exclusive, reverse), [x])), runs);
      fc.assert(fc.property(oneAxis, ([x]) => expectAlike((t) => tf.softmax(t), [x])), runs);
      fc.assert(fc.property(oneAxis, ([x]) => expectAlike((t) => tf.logSoftmax(t), [x], { atol: 1e-5, rtol: 1e-5 })), runs);
    }
  }); // biome-ignore format: long lines
  test("a long row and long columns are summed to float64's sum, to rounding", () => {
    const x = Float32Array.from({ length: 300_000 }, (_, i) => Math.sin(i) + 1);
    const exact = x.reduce((sum, value) => sum + value, 0);
    expect(tf.tidy(() => tf.sum(tf.tensor1d(x))).dataSync()[0] / exact).toBeCloseTo(1, 6);
    const columns = tf.tidy(() => tf.sum(tf.tensor2d(x, [100_000, 3]), 0)).dataSync();
    for (const c of [0, 1, 2])
      expect(columns[c] / x.reduce((sum, value, i) => (i % 3 === c ? sum + value : sum), 0)).toBeCloseTo(1, 6);
  });
});

onNative("moves", () => {
  const permuted = (dtype: Values["dtype"]) => anyOf(dtype).chain((x) => fc.tuple(fc.constant(x), fc.shuffledSubarray(x.shape.map((_, d) => d), { minLength: x.shape.length })));
  test.each(["float32", "int32", "bool"] as const)("transpose, reverse, pad, tile, slice, split, concat, stack, unstack, gather of %s", (dtype) => {
    const check = <T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => void) => fc.assert(fc.property(arbitrary, property), runs);
    const exactly = { atol: 0 };
    check(permuted(dtype), ([x, perm]) => expectAlike((t) => tf.transpose(t, perm), [x], exactly));
    check(withAxes(dtype, 0), ([x, axes]) => expectAlike((t) => tf.reverse(t, axes), [x], exactly));
    const padded = anyOf(dtype, 4).chain((x) => fc.tuple(fc.constant(x), fc.array(fc.tuple(fc.nat(2), fc.nat(2)), { minLength: x.shape.length, maxLength: x.shape.length })));
    check(padded, ([x, paddings]) => expectAlike((t) => (x.shape.length ? tf.pad(t, paddings, 1) : t), [x], exactly));
    const tiled = anyOf(dtype, 4).chain((x) => fc.tuple(fc.constant(x), fc.array(fc.nat(3), { minLength: x.shape.length, maxLength: x.shape.length })));
    check(tiled, ([x, reps]) => expectAlike((t) => (x.shape.length ? tf.tile(t, reps) : t), [x], exactly));
    const box = anyOf(dtype, 5, 1).chain((x) => fc.tuple(fc.constant(x), fc.tuple(...x.shape.map((extent) => fc.nat(extent - 1).chain((begin) => fc.tuple(fc.constant(begin), fc.nat(extent - begin)))))));
    check(box, ([x, parts]) => expectAlike((t) => (x.shape.length ? tf.slice(t, parts.map(([begin]) => begin), parts.map(([, size]) => size)) : t), [x], exactly));
    const axial = anyOf(dtype, 5, 1).filter(({ shape }) => shape.length > 0).chain((x) => fc.tuple(fc.constant(x), fc.nat(x.shape.length - 1)));
    check(axial, ([x, axis]) => expectAlike((t) => tf.split(t, Array.from({ length: x.shape[axis] }, () => 1), axis), [x], exactly));
    check(axial, ([x, axis]) => expectAlike((t) => tf.unstack(t, axis), [x], exactly));
    check(axial, ([x, axis]) => expectAlike((t) => tf.concat([t, t.slice(x.shape.map(() => 0), x.shape.map((extent, d) => (d === axis ? 1 : extent))), t], axis), [x], exactly));
    check(axial, ([x, axis]) => expectAlike((t) => tf.stack([t, t], axis), [x], exactly));
    const gathered = axial.chain(([x, axis]) => fc.tuple(fc.constant(x), fc.constant(axis), fc.array(fc.nat(x.shape[axis] - 1), { minLength: 1, maxLength: 5 })));
    check(gathered, ([x, axis, at]) => expectAlike((t) => tf.gather(t, tf.tensor1d(at, "int32"), axis), [x], exactly));
  });
  test("stridedSlice with every mask", () => {
    const at = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 2, maxLength: 2 });
    const step = fc.array(fc.constantFrom(-2, -1, 1, 2), { minLength: 2, maxLength: 2 });
    fc.assert(fc.property(filledAs([4, 3], "float32", tame), at, at, step, fc.nat(3), fc.nat(3), (x, begin, end, strides, from, to) => {
      const cut: Op = (t) => tf.stridedSlice(t, begin, end, strides, from, to);
      fc.pre(isServedByTfjs(cut, [x])); // tfjs's own fails where an axis ends before it begins
      expectAlike(cut, [x], { atol: 0 });
    }), { numRuns: 100 });
  });
  test("an index outside is refused in tfjs's words, oneHot, unsortedSegmentSum, fill", () => {
    expect(() => tf.gather(tf.tensor1d([1, 2]), tf.tensor1d([0, 2], "int32"))).toThrow("GatherV2: the index value 2 is not in [0, 1]");
    const ids = fc.array(fc.integer({ min: -1, max: 5 }), { minLength: 1, maxLength: 6 });
    fc.assert(fc.property(ids, (at) => expectAlike(() => tf.oneHot(tf.tensor1d(at, "int32"), 5, 2, -1), [])), runs);
    fc.assert(fc.property(ids, (at) => expectAlike((x) => tf.unsortedSegmentSum(x, tf.tensor1d(at, "int32"), 5), [{ shape: [at.length, 3], data: at.flatMap((i) => [i, 1, -i]), dtype: "float32" }])), runs);
    for (const dtype of ["float32", "int32", "bool"] as const) expectAlike(() => tf.fill([3, 2], 1, dtype), []);
  });
}); // biome-ignore format: a table

onNative("products", () => {
  test("matMul with either transpose, of batches that broadcast, of nothing", () => {
    const sizes = fc.record({ m: fc.nat(5), n: fc.nat(5), k: fc.nat(5), a: fc.boolean(), b: fc.boolean(), left: fc.constantFrom([], [1], [3], [2, 1], [2, 3]), right: fc.constantFrom([], [1], [3], [1, 3], [2, 3]) });
    fc.assert(fc.property(sizes, ({ m, n, k, a, b, left, right }) => {
      const value = (_: unknown, i: number) => Math.sin(7.3 * i + 1);
      const make = (shape: number[]): Values => ({ shape, data: Array.from({ length: sizeOf(shape) }, value), dtype: "float32" });
      const x = make([...left, ...(a ? [k, m] : [m, k])]);
      const y = make([...right, ...(b ? [n, k] : [k, n])]);
      const [native] = outputs("etalon", (l, r) => tf.matMul(l, r, a, b), [x, y]);
      // tfjs's own kernel takes batches in turn and so pairs broadcast ones wrongly: the truth is that of the operands made full
      const batch = tf.backend_util.assertAndGetBroadcastShape([...left], [...right]);
      const full = (l: Tensor, r: Tensor) => tf.matMul(tf.broadcastTo(l, [...batch, ...l.shape.slice(-2)]), tf.broadcastTo(r, [...batch, ...r.shape.slice(-2)]), a, b);
      const [script] = outputs("cpu", sizeOf(x.shape) * sizeOf(y.shape) === 0 ? (l, r) => tf.zeros([...batch, m, n]).add(l.sum().add(r.sum()).mul(0)) : full, [x, y]);
      expect(native.shape).toEqual(script.shape);
      expect(native.data).toBeAllclose(script.data, { atol: 1e-5, rtol: 1e-5 });
    }), { numRuns: 80 });
  });
  test("matMul of NaN and infinities: what is touched by them, and nothing else", () => {
    const sizes = fc.record({ m: fc.integer({ min: 1, max: 20 }), n: fc.integer({ min: 1, max: 20 }), k: fc.integer({ min: 1, max: 20 }), a: fc.boolean(), b: fc.boolean() });
    const operands = sizes.chain(({ m, n, k, a, b }) => fc.tuple(filledAs(a ? [k, m] : [m, k], "float32", marked), filledAs(b ? [n, k] : [k, n], "float32", marked), fc.constant([a, b])));
    fc.assert(fc.property(operands, ([x, y, [a, b]]) => expectAlike((l, r) => tf.matMul(l, r, a, b), [x, y], { atol: 1e-4, rtol: 1e-5 })), { numRuns: 60 });
  });
  test("fused with bias and activation", () => {
    const value = (length: number, seed: number) => Array.from({ length }, (_, i) => Math.sin(3.1 * i + seed));
    const inputs: Values[] = [{ shape: [4, 7], data: value(28, 1), dtype: "float32" }, { shape: [7, 5], data: value(35, 2), dtype: "float32" }, { shape: [5], data: value(5, 3), dtype: "float32" }];
    for (const activation of ["linear", "relu", "relu6", "elu", "sigmoid", "leakyrelu", "prelu"] as const)
      for (const whole of [false, true])
        expectAlike((a, b, bias) => tf.fused.matMul({ a: a as never, b: b as never, bias: whole ? tf.tile(bias.reshape([1, 5]), [4, 1]) : bias, activation, leakyreluAlpha: 0.3, preluActivationWeights: activation === "prelu" ? bias : undefined }), inputs);
  });
}); // biome-ignore format: a table

onNative("convolutions", () => {
  const values = (shape: number[], seed: number): Values => ({
    shape,
    data: Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(5.7 * i + seed)),
    dtype: "float32",
  });
  const sizes = fc.record({
    batch: fc.integer({ min: 1, max: 2 }),
    height: fc.integer({ min: 1, max: 7 }),
    width: fc.integer({ min: 1, max: 7 }),
    channels: fc.integer({ min: 1, max: 5 }),
    out: fc.integer({ min: 1, max: 5 }),
    filter: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    stride: fc.integer({ min: 1, max: 2 }),
    pad: fc.constantFrom("same" as const, "valid" as const),
    dilation: fc.integer({ min: 1, max: 2 }),
  });
  test("conv2d and both gradients: strides, dilations, padding", () => {
    fc.assert(
      fc.property(sizes, ({ batch, height, width, channels, out, filter: [p, q], stride, pad, dilation }) => {
        fc.pre(pad === "same" || (height > (p - 1) * dilation && width > (q - 1) * dilation));
        fc.pre(stride === 1 || dilation === 1);
        const inputs = [values([batch, height, width, channels], 1), values([p, q, channels, out], 2)];
        const conv = (x: Tensor, f: Tensor) =>
          tf.conv2d(x as Tensor4D, f as Tensor4D, stride, pad, "NHWC", dilation) as Tensor;
        const tolerance = { atol: 1e-4, rtol: 1e-5 };
        expectAlike(conv, inputs, tolerance);
        if (dilation > 1) return; // tfjs has no gradient of a dilated one
        expectAlike((x, f) => tf.grads(conv)([x, f], conv(x, f).sin()), inputs, tolerance);
      }),
      { numRuns: 40 },
    );
  });
  test("conv2d of pictures with NaN and infinities, and its gradients", () => {
    const pictures = sizes.chain(({ batch, height, width, channels, ...rest }) => fc.tuple(filledAs([batch, height, width, channels], "float32", marked), fc.constant({ channels, ...rest })));
    fc.assert(fc.property(pictures, ([x, { channels, out, filter: [p, q], stride, pad }]) => {
      fc.pre(pad === "same" || (x.shape[1] >= p && x.shape[2] >= q));
      const conv = (t: Tensor, f: Tensor) => tf.conv2d(t as Tensor4D, f as Tensor4D, stride, pad) as Tensor;
      const inputs = [x, values([p, q, channels, out], 2)];
      expectAlike(conv, inputs, { atol: 1e-4, rtol: 1e-5 });
      expectAlike((t, f) => tf.grads(conv)([t, f], tf.onesLike(conv(t, f))), inputs, { atol: 1e-4, rtol: 1e-5 });
    }), { numRuns: 40 });
  }); // biome-ignore format: long lines
  test("fused with bias and activation", () => {
    const inputs = [values([1, 5, 4, 3], 1), values([3, 3, 3, 2], 2), values([2], 3)];
    for (const activation of ["linear", "relu", "elu", "sigmoid"] as const)
      expectAlike(
        (x, filter, bias) =>
          tf.fused.conv2d({
            x: x as Tensor4D,
            filter: filter as Tensor4D,
            strides: 1,
            pad: "same",
            bias,
            activation,
          }),
        inputs,
        { atol: 1e-5, rtol: 1e-5 },
      );
  });
});
