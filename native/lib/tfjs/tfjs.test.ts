import "@etalon/testkit";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Tensor } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { draws } from "../../test/support/draws.ts";
import { expectSameBits } from "../../test/support/expectSameBits.ts";
import { backends, tf, tfjsNode } from "../../test/support/tensorflow.ts";
import { thrown } from "../../test/support/thrown.ts";
import * as arrays from "../index.ts";
import { logProb, policyGradient, rollout, type TensorLike, way } from "./index.ts";

const floats = (tensor: TensorLike) => tensor.dataSync() as Float32Array;
const addon = arrays.attempts().at(-1)!.path;
const built = addon !== "TypeScript";

describe.each(backends)("tensors on %s", (backend) => {
  beforeAll(async () => {
    expect(await tf.setBackend(backend)).toBe(true);
  });

  test("go the way that keeps them where they lie", () => {
    expect(way().name).toBe({ cpu: "arrays", wasm: "memory", tensorflow: built ? "ops" : "arrays" }[backend]);
  });

  test("give the bits of the plain face: any shape, guidance, KL, one step or one a sample", () => {
    const cases = fc.record({
      shape: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 300 })),
      guided: fc.boolean(),
      referred: fc.boolean(),
      each: fc.boolean(),
      mean: fc.boolean(),
      std: fc.double({ min: 0.05, max: 2, noNaN: true }),
      seed: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      step: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    });
    fc.assert(
      fc.property(cases, ({ shape, guided, referred, each, mean, std, seed, step }) => {
        const [batch, ...rest] = shape;
        const dim = rest[0] * rest[1];
        const map = { a: 0.9, b: -0.3, std };
        const maps = each ? Array.from({ length: batch }, (_, i) => ({ ...map, b: 0.1 * (i + 1) })) : map;
        const data = Array.from({ length: 5 }, (_, salt) => draws(batch * dim, salt));
        const key = { seed, step, samples: Uint32Array.from({ length: batch }, (_, i) => 4_294_967_295 - 7 * i) };
        const given = <T>([x, cond, uncond]: T[]) => ({ x, cond, uncond: guided ? uncond : undefined, guidance: guided ? 3 : 1, map: maps }); // biome-ignore format: one thought
        const before = tf.memory().numTensors;
        const tensors = data.map((values) => tf.tensor(values, shape));

        const want = arrays.rollout({ ...given(data), key, dim });
        const got = rollout({ ...given(tensors), key });
        expect(got.next.shape).toEqual(shape);
        expectSameBits(floats(got.next), want.next);
        expectSameBits(got.logp, want.logp);
        const { next } = got;
        expectSameBits(logProb({ ...given(tensors), next }), want.logp);

        const oldLogp = want.logp.map((p, i) => p + 0.01 * i);
        const goal = { oldLogp, advantage: key.samples.map((_, i) => i % 2), clip: 0.1, reduction: mean ? "mean" : "sum" } as const; // biome-ignore format: one thought
        const kl = <T>([, , , cond, uncond]: T[]) => (referred ? { weight: 0.2, cond, uncond: guided ? uncond : undefined } : undefined); // biome-ignore format: one thought
        const wanted = arrays.policyGradient({ ...given(data), ...goal, next: want.next, dim, kl: kl(data) });
        const gradient = policyGradient({ ...given(tensors), ...goal, next, kl: kl(tensors) });
        for (const name of ["loss", "ratio", "clipped", "kl"] as const) expectSameBits(gradient[name], wanted[name]);
        expect(gradient.gradCond.shape).toEqual(shape);
        expectSameBits(floats(gradient.gradCond), wanted.gradCond);
        expect(gradient.gradUncond === undefined).toBe(!guided);
        if (guided) expectSameBits(floats(gradient.gradUncond!), wanted.gradUncond!);

        tf.dispose([tensors, next, gradient.gradCond, gradient.gradUncond ?? []]);
        expect(tf.memory().numTensors).toBe(before);
      }),
      { numRuns: 40 },
    );
  });

  test("carry the gradient on to a model's weights: finite differences of its own loss", () => {
    const [batch, dim] = [3, 40];
    const [x, next, features, initial] = [1, 2, 3, 4].map((salt) => tf.tensor(draws(batch * dim, salt), [batch, dim]));
    const map = { a: 0.9, b: -0.4, std: 0.5 };
    const model = (w: Tensor) => tf.tanh(tf.add(tf.mul(w, features), tf.mul(0.3, x)));
    const oldLogp = logProb({ next, x, cond: model(initial), map }).map((p) => p - 0.2);
    const at = (w: Tensor) =>
      policyGradient({ next, x, cond: model(w), map, oldLogp, advantage: [1, -0.5, 2], clip: 5, reduction: "sum" });
    const { gradCond } = at(initial);
    const gradient = floats(tf.grad(model)(initial, gradCond));
    for (const i of [0, dim + 3, 3 * dim - 1]) {
      const lossAt = (by: number) => {
        const moved = floats(initial).slice();
        moved[i] += by;
        return { w: moved[i], loss: at(tf.tensor(moved, [batch, dim])).loss[Math.floor(i / dim)] };
      };
      const [up, down] = [lossAt(2 ** -8), lossAt(-(2 ** -8))];
      expect((up.loss - down.loss) / (up.w - down.w)).toBeCloseTo(gradient[i], 3);
    }
  });

  test("read what another backend holds, and what tidy keeps", async () => {
    const values = draws(64, 1);
    await tf.setBackend("cpu");
    const [x, cond] = [tf.tensor(values, [2, 32]), tf.tensor(values, [2, 32]).add(1)];
    await tf.setBackend(backend);
    const key = { seed: 1n, step: 0, samples: Uint32Array.of(0, 1) };
    const map = { a: 1, b: 1, std: 1 };
    const before = tf.memory().numTensors;
    const kept = tf.tidy(() => rollout({ x, cond, map, key }).next);
    expect(tf.memory().numTensors).toBe(before + 1);
    const want = arrays.rollout({ x: values, cond: values.map((v) => v + 1), map, key, dim: 32 });
    expectSameBits(floats(kept), want.next);
  });

  const map = { a: 0.9, b: -0.2, std: 0.3 };
  const key = { seed: 5n, step: 1, samples: Uint32Array.of(0, 1) };
  const filled = (shape: number[], value = 0.5) => tf.fill(shape, value);
  const holding = (value: number) => tf.tensor(Float32Array.of(0, 0, 0, 0, value, 0), [2, 3]);
  const fine = () => ({ next: filled([2, 3]), x: filled([2, 3]), cond: filled([2, 3]), map, key, oldLogp: [0, 0], advantage: [1, 1], clip: 0.1, reduction: "mean" as const }); // biome-ignore format: one thought
  type Wrong = Partial<Omit<Parameters<typeof policyGradient>[0], "x"> & { x: unknown; key: typeof key }>;
  const refused: [string, () => Wrong, string][] = [
    ["cond of another shape", () => ({ cond: filled([3, 2]) }), 'cond is {"dtype":"float32","shape":[3,2]}; allowed: a float32 tensor [2, 3], as x.'],
    ["x that is an array", () => ({ x: new Float32Array(6) }), "x is Float32Array of length 6; allowed: a float32 tensor [samples, …]."],
    ["x of int32", () => ({ x: tf.tensor([1, 2], [2, 1], "int32") }), 'x is {"dtype":"int32","shape":[2,1]}; allowed: a float32 tensor [samples, …].'],
    ["a scalar", () => ({ x: tf.scalar(1) }), 'x is {"dtype":"float32","shape":[]}; allowed: a float32 tensor [samples, …] of one element or more.'],
    ["guidance without uncond", () => ({ guidance: 2 }), "uncond is undefined; allowed: a float32 tensor, as guidance is 2. Guidance 1 needs no unconditional output."],
    ["a number of steps that fits nothing", () => ({ map: [map] }), 'map is [{"a":0.9,"b":-0.2,"std":0.3}]; allowed: 2 items. One a sample, or one for all.'],
    ["NaN", () => ({ cond: holding(Number.NaN) }), "cond[4] is NaN; allowed: finite numbers."],
    ["infinity", () => ({ x: holding(Infinity) }), "x[4] is Infinity; allowed: finite numbers."],
  ]; // biome-ignore format: a table
  test.each(refused)("refuse %s, and leave no tensor", (_, wrong, message) => {
    const options = { ...fine(), ...wrong() } as ReturnType<typeof fine>;
    const before = tf.memory().numTensors;
    expect(thrown(() => rollout(options)).message).toBe(message);
    expect(thrown(() => logProb(options)).message).toBe(message);
    expect(thrown(() => policyGradient(options)).message).toBe(message);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("refuse what only one of the three can be asked", () => {
    const still = { ...fine(), map: { ...map, std: 0 } };
    expect(rollout(still).logp).toEqual(Float64Array.of(0, 0));
    const deterministic = (noun: string) => `map.std is 0; allowed: a finite number > 0. A deterministic step has no ${noun}.`; // biome-ignore format: one thought
    expect(thrown(() => logProb(still)).message).toBe(deterministic("log-probability"));
    expect(thrown(() => policyGradient(still)).message).toBe(deterministic("policy gradient"));
    expect(thrown(() => rollout({ ...fine(), key: { ...key, samples: Uint32Array.of(1) } })).message).toBe(
      "key.samples is Uint32Array of length 1; allowed: 2 items. One id a sample: the first axis of x.",
    );
    expect(thrown(() => policyGradient({ ...fine(), oldLogp: [-1e9, 0] })).message).toBe(
      "sample 0 has a result that is not finite: the inputs are finite, but too far apart for their std.",
    );
    expect(thrown(() => policyGradient({ ...fine(), kl: { weight: 1, cond: holding(Number.NaN) } })).message).toBe(
      "kl.cond[4] is NaN; allowed: finite numbers.",
    );
  });
});

const here = tfjsNode !== undefined && built;
describe.skipIf(!here)(
  `the ops in a process of their own${here ? "" : ", skipped: ETALON_TFJS_NODE names no tfjs-node"}`,
  () => {
    const ops = join(dirname(addon), "etalon_tf.node");
    const run = (code: string) =>
    spawnSync(process.execPath, ["-e", code], { cwd: tfjsNode, encoding: "utf8", env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3" } }); // biome-ignore format: one thought
    const load = 'require("util").isNullOrUndefined ??= (v) => v == null; const tf = require("@tensorflow/tfjs-node");';

    test("say so where there is no TensorFlow", () => {
      const { stdout } = run(`try { require(${JSON.stringify(ops)}).register() } catch (e) { console.log(e.message) }`);
      expect(stdout).toBe("TensorFlow is not loaded in this process\n");
    });

    test("are registered once, whatever threads and copies of the library ask for it", () => {
      const folder = mkdtempSync(join(tmpdir(), "etalon-tf-"));
      const copy = join(folder, "etalon_tf.node");
      copyFileSync(ops, copy);
      const { stdout, status } = run(`${load} const { Worker } = require("node:worker_threads");
      const ask = (file) => require(file).register();
      ask(${JSON.stringify(ops)}); ask(${JSON.stringify(ops)}); ask(${JSON.stringify(copy)});
      const worker = new Worker('require(${JSON.stringify(ops)}).register()', { eval: true });
      worker.on("exit", (code) => { console.log("worker", code); });`);
      rmSync(folder, { recursive: true });
      expect({ stdout, status }).toEqual({ stdout: "worker 0\n", status: 0 });
    });

    test("refuse inputs that do not fit together, whoever calls them", () => {
      const { stdout, status } = run(`${load} require(${JSON.stringify(ops)}).register(); const backend = tf.backend();
      const type = backend.binding.TF_ATTR_INT, x = tf.zeros([2, 3]);
      const words = (...head) => tf.tensor(Int32Array.from([...head, ...new Array(8).fill(0)]), undefined, "int32");
      const say = (lists, ...inputs) => {
        try { backend.executeMultipleOutputs("EtalonLogProb", [{ name: "guided", type, value: lists }], inputs, 1); console.log("ran") }
        catch (e) { console.log(/ETALON.*|guided.*|params.*/.exec(e.message)[0]) }
      };
      say(0, x, x, x, words(2, 0, 2, 1, 0, 0, 0, 0));
      say(0, x, x, x, words(1, 0, 2, 2, 0, 0, 0, 0));
      say(0, x, x, x, words(1, 0, 5, 1, 0, 0, 0, 0));
      say(0, x, tf.zeros([7]), x, words(1, 0, 2, 1, 0, 0, 0, 0));
      say(2, x, x, x, x, x, words(1, 0, 2, 1, 0, 0, 0, 0));
      say(0, x, x, x, words(1, 0, 2, 1, 0, 0, 0, 0));`);
      expect(stdout.trimEnd().split("\n")).toEqual([
        "ETALON_INVALID_ARGUMENT: params are of another layout: two versions of @etalon/native in one process",
        "ETALON_INVALID_ARGUMENT: params are of another length than their header says",
        "ETALON_INVALID_ARGUMENT: x holds no whole number of elements a sample",
        "ETALON_INVALID_ARGUMENT: a tensor of elements is of another size than x",
        expect.stringContaining("guided is at most 1"),
        "ETALON_INVALID_ARGUMENT: std of a step is 0: a deterministic step has no log-probability",
      ]);
      expect(status).toBe(0);
    });
  },
);
