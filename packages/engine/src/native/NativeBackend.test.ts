import { Worker } from "node:worker_threads";
import { setThreads } from "@etalon/native";
import { describe, expect, test } from "vitest";
import { started } from "../../test/startEngine.ts";
import { AdamW, linear, type Tensor2D, type Tensor4D, tf } from "../index.ts";
import type { NativeBackend } from "./NativeBackend.ts";

const onNative = describe.skipIf(started.name !== "native");
const backend = () => tf.backend() as unknown as NativeBackend;

onNative("who holds a tensor's values", () => {
  test("what is given is copied in, what is read is copied out", () => {
    const given = Float32Array.of(1, 2, 3);
    const x = tf.tensor1d(given);
    given[0] = 9;
    const read = x.dataSync();
    expect(read).toEqual(Float32Array.of(1, 2, 3));
    read[1] = 9;
    expect(x.dataSync()).toEqual(Float32Array.of(1, 2, 3));
    x.dispose();
    tf.fill([3], 7); // takes the memory that x had
    expect(read).toEqual(Float32Array.of(1, 9, 3));
  });

  test("every array goes back once: memory in use is as before, after gradients, errors, JavaScript kernels, clones and moves to another backend", async () => {
    const { used } = backend().pool.state;
    for (let i = 0; i < 3; i++) {
      tf.tidy(() => {
        const x = tf.randomUniform([4, 5]) as Tensor2D;
        tf.grad((t) => linear(t, tf.ones([5, 3]), undefined, "silu").sum())(x);
        x.clone().reshape([2, 10]).transpose().slice([1, 0], [3, 2]);
        expect(() => tf.matMul(x, x)).toThrow();
        tf.spectral.fft(tf.complex([1, 2, 3, 4], [0, 0, 0, 0])).abs();
        tf.topk(x, 2);
        tf.pool(x.reshape([1, 4, 5, 1]) as Tensor4D, 2, "max", "valid", 1, 1);
      });
      const moved = tf.tensor1d([1, 2]);
      tf.setBackend("cpu");
      expect(moved.add(1).dataSync()).toEqual(Float32Array.of(2, 3));
      moved.dispose();
      tf.setBackend("etalon");
      tf.disposeVariables();
    }
    expect(backend().pool.state.used).toBe(used);
  });

  test("an update in place leaves alone what else holds a variable's values", () => {
    const variable = tf.variable(tf.tensor1d([1, 1]));
    const clone = variable.clone();
    const view = variable.reshape([2, 1]);
    const optimiser = new AdamW(new Map([["w", variable]]), { learningRate: 0.5 });
    optimiser.step({ w: tf.tensor1d([1, -1]) });
    expect(clone.dataSync()).toEqual(Float32Array.of(1, 1));
    expect(view.dataSync()).toEqual(Float32Array.of(1, 1));
    expect(variable.dataSync()[0]).toBeLessThan(0.6);
    expect(variable.dataSync()[1]).toBeGreaterThan(1.4);
  });

  test("a thousand updates take no more memory than ten", () => {
    const w = tf.variable(tf.randomUniform([20, 30]) as Tensor2D);
    const optimiser = new AdamW(new Map([["w", w as never]]), { learningRate: 1e-3 });
    const x = tf.randomUniform([8, 20]) as Tensor2D;
    const update = () => {
      const { value, grads } = tf.variableGrads(() => linear(x, w as unknown as Tensor2D, undefined, "gelu").square().mean().asScalar(), [w as never]);
      optimiser.step({ w: grads[w.name] });
      value.dataSync();
      tf.dispose([value, grads]);
    };
    for (let i = 0; i < 10; i++) update();
    const before = { ...backend().pool.state, tensors: tf.memory().numTensors, bytes: backend().kernels.allocated() };
    for (let i = 0; i < 1000; i++) update();
    const after = { ...backend().pool.state, tensors: tf.memory().numTensors, bytes: backend().kernels.allocated() };
    expect({ ...after, reused: 0 }).toEqual({ ...before, reused: 0 });
  }); // biome-ignore format: long lines
});

onNative("what cannot be served", () => {
  test("a disposed tensor and one of nowhere are refused, and the engine goes on", () => {
    const x = tf.tensor1d([1]);
    x.dispose();
    expect(() => tf.add(x, 1)).toThrow('tensor is "one without data"; allowed: a tensor that is alive. It was disposed, or belongs to another copy');
    expect(() => backend().values({ dataId: {}, shape: [1], dtype: "float32" }, "float32")).toThrow("tensor is \"one without data\"; allowed: a tensor that is alive. It was disposed, or belongs to another copy of TensorFlow.js.");
    expect(tf.scalar(1).add(1).dataSync()[0]).toBe(2);
  }); // biome-ignore format: long lines

  test("a tensor too large for the machine is an EtalonError, and the process lives", () => {
    const { used } = backend().pool.state;
    expect(() => tf.fill([2 ** 20, 2 ** 20, 4], 1)).toThrow(/^Out of memory: a tensor of 16777216\.0 MiB/);
    expect(() => tf.tidy(() => tf.matMul(tf.fill([2 ** 19, 1], 1), tf.fill([1, 2 ** 20], 1)))).toThrow("Out of memory");
    expect(() => tf.tidy(() => tf.tile(tf.fill([1024], 1), [2 ** 40]))).toThrow("Out of memory");
    expect(backend().pool.state.used).toBe(used);
    expect(tf.ones([3]).sum().dataSync()[0]).toBe(3);
  });

  test("strings and complex numbers are tfjs's own", () => {
    expect(tf.tensor1d(["a", "b"]).slice([1]).dataSync()).toEqual(["b"]);
    expect(
      tf
        .complex([1, 2], [3, 4])
        .mul(tf.complex([1, 2], [3, 4]))
        .dataSync(),
    ).toEqual(Float32Array.of(-8, 6, -12, 16));
  });
});

onNative("threads", () => {
  test("results are the same bits for 1, 2 and 3", () => {
    const results = [1, 2, 3].map((threads) => {
      setThreads(threads);
      const made = tf.tidy(() => {
        const x = tf.sin(tf.range(0, 300_000)).reshape([300, 1000]);
        return [x.exp(), x.sum(), x.sum(0), x.mean(1), x.transpose(), x.softmax(), x.mul(x.slice([0, 0], [300, 1])), x.max(0), x.tanh().add(x.slice([0, 0], [1, 1000])), tf.matMul(x as Tensor2D, x as Tensor2D, false, true)].map((t) => t.clone());
      });
      const data = made.map((tensor) => tensor.dataSync());
      tf.dispose(made);
      return data;
    });
    setThreads(started.threads);
    for (const other of results.slice(1)) for (const [i, values] of other.entries()) expect(values.every((value, at) => value === results[0][i][at])).toBe(true);
  }); // biome-ignore format: long lines

  test("worker threads may each have an engine of their own, at once", async () => {
    const file = new URL("../../test/engineWorker.mjs", import.meta.url);
    const sums = [1, 2].map((seed) => new Promise((settle, reject) => new Worker(file, { workerData: { addon: addonPath(), seed } }).once("message", settle).once("error", reject)));
    expect(await Promise.all(sums)).toEqual([1, 2].map((seed) => ({ sum: 100_000 * seed, left: 0 })));
  }); // biome-ignore format: long lines
});

/** The addon that this process loaded, as its loader tells. */
const addonPath = () => new URL("../../../../native/build/Release/etalon.node", import.meta.url).pathname;
