import type { Tensor, TensorInfo } from "@tensorflow/tfjs";
import { afterEach, describe, expect, test } from "vitest";
import { engine } from "../../engine.ts";
import { tf } from "../../tf.ts";
import type { NativeBackend } from "../NativeBackend.ts";
import type { Frame } from "./Frame.ts";
import { layerKernels } from "./layerKernels.ts";
import { flatLayout } from "./layout.ts";

const started = await engine();
const backend = tf.backend() as NativeBackend;

interface Attributes {
  factor: number;
  wants?: readonly string[];
}

/** (x·w + b)·factor by way of memory to work in, and how often its steps ran. */
function toyLayer(also: (frame: Frame) => void = () => {}) {
  const ran = { times: 0 };
  const steps = (frame: Frame, { factor }: Attributes): TensorInfo[] => {
    ran.times++;
    also(frame);
    const [[m, k], n] = [frame.shape("x"), frame.shape("w")[1]];
    const y = frame.output([m, n]);
    const [product, spare] = [frame.scratch(m * n), frame.scratch(3)];
    frame.light.fill(spare, 7);
    frame.heavy.gemm({ a: frame.values("x"), b: frame.values("w"), c: product, m, n, k, bias: frame.optional("b") });
    frame.heavy.scale([product], factor);
    frame.light.copy(product, 0, y.values, 0, flatLayout(m * n, 1, 1));
    return [y.info];
  };
  const { Toy } = layerKernels<Attributes>({ Toy: steps }) as unknown as { Toy: (call: object) => TensorInfo[] };
  const run = (inputs: Record<string, Tensor>, attrs: Attributes): Float32Array => {
    const [info] = backend.attempt(() => Toy({ inputs, attrs, backend, heavy: backend.heavy }));
    const made = tf.engine().makeTensorFromTensorInfo(info, backend);
    const values = made.dataSync<"float32">();
    made.dispose();
    return values;
  };
  return { run, ran };
}

const draw = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, "float32", seed);
const product = (inputs: Record<string, Tensor>, factor: number) =>
  tf.tidy(() => {
    const sum = tf.matMul(inputs.x as never, inputs.w as never);
    return (inputs.b ? sum.add(inputs.b) : sum).mul(factor).dataSync<"float32">();
  });

describe.skipIf(started.name !== "native")("a layer's recorded steps", () => {
  const made: Tensor[] = [];
  const drawn = (x: number[], w: number[], seed: number) => {
    const inputs = { x: draw(x, seed), w: draw(w, seed + 1) };
    made.push(inputs.x, inputs.w);
    return inputs;
  };
  afterEach(() => tf.dispose(made.splice(0)));

  test("run once for shapes and attributes, and again over other arrays without the function", () => {
    const { run, ran } = toyLayer();
    for (const [i, seed] of [1, 3, 5].entries()) {
      const inputs = drawn([5, 7], [7, 4], seed);
      expect(run(inputs, { factor: 2 }), `${i}`).toEqual(product(inputs, 2));
    }
    expect(ran.times).toBe(1);
  });

  test("are told apart by a shape, an attribute, an input that is left out, and what gradients are wanted", () => {
    const { run, ran } = toyLayer();
    const inputs = drawn([5, 7], [7, 4], 1);
    const biased = { ...inputs, b: draw([4], 9) };
    made.push(biased.b);
    const calls: [Record<string, Tensor>, Attributes][] = [
      [inputs, { factor: 2 }],
      [inputs, { factor: 3 }],
      [drawn([6, 7], [7, 4], 1), { factor: 2 }],
      [biased, { factor: 2 }],
      [inputs, { factor: 2, wants: ["x"] }],
      [inputs, { factor: 2, wants: ["w"] }],
    ];
    for (const round of [1, 2]) {
      for (const [given, attributes] of calls) expect(run(given, attributes), `${round}`).toEqual(product(given, attributes.factor));
    }
    expect(ran.times).toBe(calls.length);
  }); // biome-ignore format: a table

  test("a tensor given twice does not decide what later calls read", () => {
    const { run, ran } = toyLayer();
    const square = draw([4, 4], 1);
    made.push(square);
    const both = { x: square, w: square };
    expect(run(both, { factor: 1 })).toEqual(product(both, 1));
    const inputs = drawn([4, 4], [4, 4], 3);
    expect(run(inputs, { factor: 1 })).toEqual(product(inputs, 1));
    expect(run(both, { factor: 1 })).toEqual(product(both, 1));
    expect(ran.times).toBe(2); // once for the two that are one, once for others; then that program serves both
  });

  test("over an array that is no input they run each time", () => {
    const { run, ran } = toyLayer((frame) => frame.light.fill(new Float32Array(2), 1));
    const inputs = drawn([2, 2], [2, 2], 1);
    for (let i = 0; i < 3; i++) expect(run(inputs, { factor: 1 })).toEqual(product(inputs, 1));
    expect(ran.times).toBe(3);
  });

  test("the oldest of more than 64 is dropped; no memory stays", () => {
    const { run, ran } = toyLayer();
    const inputs = drawn([2, 2], [2, 2], 1);
    const { used } = backend.pool.state;
    for (let factor = 0; factor < 65; factor++) run(inputs, { factor });
    run(inputs, { factor: 64 });
    expect(ran.times).toBe(65);
    run(inputs, { factor: 0 });
    expect(ran.times).toBe(66);
    expect(backend.pool.state.used).toBe(used);
  });

  test("a step that fails gives back what the call took, when recorded and when run again", () => {
    let broken = true;
    const { run } = toyLayer((frame) => {
      if (broken) frame.heavy.gemm({ a: frame.values("x"), b: frame.values("w"), c: frame.scratch(1), m: 9, n: 9, k: 9 });
    }); // biome-ignore format: one thought
    const inputs = drawn([2, 2], [2, 2], 1);
    const { used } = backend.pool.state;
    expect(() => run(inputs, { factor: 1 })).toThrow("length of");
    expect(backend.pool.state.used).toBe(used);
    broken = false;
    expect(run(inputs, { factor: 1 })).toEqual(product(inputs, 1));
    expect(backend.pool.state.used).toBe(used);
  });
});
