import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import "@etalon/testkit";
import { edm, pathFromDiffusers, rectifiedFlow, stableDiffusion15, vp } from "@etalon/schedules";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  type Denoiser,
  type Pass,
  plan,
  type SampledStep,
  type SampleOptions,
  sample,
  solverNames,
  stochasticRules,
  type TensorLike,
  type TensorSampleOptions,
} from "./index.ts";

const path = rectifiedFlow({ noiseTime: 0.98 });
const shape = [3, 2];
const dim = 6;
const seed = 11n;
const denoiser: Pass = (x, t) => x.map((v) => Math.sin(2 * v) - 0.5 * t * v);
const second = plan({ path, steps: 8, eta: 1, rule: "sde-dpm++-2m", sde: [1, 4], solver: "deis-3" });

async function collect(options: Partial<SampleOptions>): Promise<SampledStep[]> {
  const all: SampledStep[] = [];
  for await (const step of sample({ denoiser, plan: second, shape, seed, ...options })) all.push(step);
  return all;
}

describe("multistep and predictor–corrector plans", () => {
  /** The loop in float64, written out. */
  test.each([...solverNames.map((solver) => ({ solver })), { rule: "sde-dpm++-2m" as const }])(
    "%o is what its maps say",
    async (method) => {
      const made = plan({ path, steps: 7, eta: "rule" in method ? 1 : 0, ...method });
      const steps = await collect({ plan: made, samples: 2 });
      const past: { x: Float64Array; o: Float64Array }[] = [];
      const model = (x: Float64Array, t: number) => x.map((v) => Math.sin(2 * v) - 0.5 * t * v);
      let x = Float64Array.from(steps[0].x);
      for (const { step, next, base, logp, x: state } of steps) {
        const { map, correct, t, s } = step;
        const o = model(x, t);
        const sum = (a: number, b: number, earlier: typeof map.earlier = []) =>
          x.map((v, k) =>
            earlier.reduce((total, term, j) => total + term.a * past[j].x[k] + term.b * past[j].o[k], a * v + b * o[k]),
          );
        let end = sum(map.a, map.b, map.earlier);
        if (correct) {
          const [first, again] = [end, model(end, s)];
          end = sum(correct.a, correct.b, correct.earlier).map(
            (v, k) => v + correct.next.a * first[k] + correct.next.b * again[k],
          );
        }
        if (map.std > 0) {
          const z = Float64Array.from(next, (v, k) => (v - end[k]) / map.std);
          expect(logp?.[0]).toBeCloseTo(
            -0.5 * z.slice(0, dim).reduce((total, v) => total + v * v, 0) -
              dim * (Math.log(map.std) + 0.5 * Math.log(2 * Math.PI)),
            3,
          );
          expect(Math.max(...z.map(Math.abs))).toBeLessThan(5);
          if (base) expect(base.map((v, k) => v + map.b * o[k])).toBeAllclose(end, { atol: 2e-6 });
          end = Float64Array.from(next);
        }
        expect(next).toBeAllclose(end, { atol: 5e-6, rtol: 1e-6 });
        expect(state).toBeAllclose(x, { atol: 5e-6, rtol: 1e-6 });
        past.unshift({ x, o });
        x = end;
      }
    },
  );

  test("resume from any step, with the outputs before it, gives the same bits", async () => {
    const whole = await collect({ samples: 2 });
    const last = whole[7].next;
    for (const from of [1, 3, 6]) {
      const earlier = whole
        .slice(0, from)
        .reverse()
        .map(({ x, output }) => ({ x, output }));
      const rest = sample({ denoiser, plan: second, shape, seed, samples: 2, from, x: whole[from].x, earlier });
      expect(await rest.run()).toEqual(last);
    }
    expect(() => sample({ denoiser, plan: second, shape, seed, from: 3, x: whole[3].x })).toThrow(
      "earlier is undefined; allowed: 1 steps: so far this plan looks back from step 3.",
    );
    expect(() => sample({ denoiser, plan: second, shape, seed, from: 3 })).toThrow(
      "x is undefined; allowed: the state at step 3.",
    );
    expect(() => sample({ denoiser, plan: second, shape, seed, from: 8, x: whole[3].x })).toThrow(
      "from is 8; allowed: a whole number ≥ 0 and ≤ 7.",
    );
  });

  test("guidance reaches the outputs that are looked back at", async () => {
    const pair: Denoiser = async (x, t, i) => ({ cond: await denoiser(x, t, i), uncond: x.map((v) => 0.3 * v) });
    const guided: Denoiser = async (x, t, i) => {
      const { cond, uncond } = (await pair(x, t, i)) as { cond: Float32Array; uncond: Float32Array };
      return uncond.map((u, k) => u + 2.5 * (cond[k] - u));
    };
    const [x, y] = await Promise.all([
      collect({ denoiser: pair, guidance: 2.5, samples: 2 }),
      collect({ denoiser: guided, samples: 2 }),
    ]);
    expect(x[7].next).toBeAllclose(y[7].next, { atol: 1e-5 });
  });

  test("the noise and x_T are those of every other plan", async () => {
    const [multi, single] = [
      await collect({}),
      await collect({ plan: plan({ path, steps: 8, eta: 0.4, sde: [1, 4] }) }),
    ];
    expect(multi[0].x).toEqual(single[0].x);
    const noise = ({ base, x, output, next, step: { map } }: SampledStep) =>
      Float64Array.from(
        next,
        (v, k) => (v - (base ? base[k] : map.a * x[k]) - map.b * (output as Float32Array)[k]) / map.std,
      );
    for (const i of [1, 2, 3]) expect(noise(multi[i])).toBeAllclose(noise(single[i]), { atol: 1e-4 });
  });
});

describe("guidance by one doubled batch, or by two calls", () => {
  const cond: Pass = (x) => x.map((v) => Math.sin(v));
  const uncond: Pass = (x) => x.map((v) => 0.2 * v);
  const made = plan({ path, steps: 5, eta: 1 });
  const both: Denoiser = (x, t, i) => ({
    cond: cond(x, t, i) as Float32Array,
    uncond: uncond(x, t, i) as Float32Array,
  });
  const run = (options: Partial<SampleOptions>) =>
    sample({ denoiser: both, plan: made, shape, seed, samples: 3, guidance: 4, ...options }).run();

  test("are one result; the doubled batch is unconditional first", async () => {
    const sizes: number[] = [];
    const doubled: Denoiser = (x, t, i) => {
      sizes.push(x.length);
      const half = x.length / 2;
      const out = new Float32Array(x.length);
      out.set(uncond(x.subarray(0, half), t, i) as Float32Array);
      out.set(cond(x.subarray(half), t, i) as Float32Array, half);
      return out;
    };
    const expected = await run({});
    expect(await run({ denoiser: { cond, uncond } })).toEqual(expected);
    expect(await run({ denoiser: doubled, doubled: true })).toEqual(expected);
    expect(sizes).toEqual(Array(5).fill(2 * 3 * dim));
  });

  test("guidance 1 calls the conditional pass alone, and does not double", async () => {
    let calls = 0;
    const counting = { cond, uncond: (...input: Parameters<Pass>) => { calls++; return uncond(...input); } }; // biome-ignore format: one thought
    const plain = await run({ denoiser: cond, guidance: 1 });
    expect(await run({ denoiser: counting, guidance: 1 })).toEqual(plain);
    expect(calls).toBe(0);
    expect(await run({ denoiser: cond, doubled: true, guidance: 1 })).toEqual(plain);
  });

  test("refuses half a pair and half an output", async () => {
    expect(() =>
      sample({ denoiser: { cond } as unknown as { cond: Pass; uncond: Pass }, plan: made, shape, seed }),
    ).toThrow(
      /; allowed: a function \(x, t, index\) that gives the model's output\. As a pair it is \{cond, uncond\}, a function each\.$/,
    );
    await expect(run({ denoiser: (x) => x.slice(0, x.length / 2), doubled: true })).rejects.toThrow(
      /is Float32Array of length 18; allowed: 36 items\. With doubled it is the unconditional half, then the conditional one\.$/,
    );
    await expect(run({ denoiser: { cond, uncond: () => new Float32Array(1) } })).rejects.toThrow(
      /, uncond is Float32Array of length 1; allowed: 18 items\./,
    );
  });
});

describe("tensors", () => {
  /** A library as small as can be; counts what is alive. */
  class Tensor implements TensorLike {
    static alive = 0;
    readonly values: Float32Array;
    readonly shape: number[];
    constructor(values: Float32Array, shape: number[]) {
      [this.values, this.shape] = [values.slice(), shape];
      Tensor.alive++;
    }
    async data() {
      return this.values;
    }
    dispose() {
      Tensor.alive--;
    }
  }
  const tensor = (values: Float32Array, sizes: number[]) => new Tensor(values, sizes);

  test("in and out give the bits of arrays, and none is left alive", async () => {
    const shapes: number[][] = [];
    const loop = sample({
      denoiser: async (x: Tensor, t) => {
        shapes.push(x.shape);
        return tensor((await denoiser(x.values, t, 0)) as Float32Array, x.shape);
      },
      ...{ tensor, plan: second, shape, seed, samples: 2 },
    });
    expect(await loop.run()).toEqual((await collect({ samples: 2 }))[7].next);
    expect(shapes[0]).toEqual([2, 3, 2]);
    expect(Tensor.alive).toBe(0);
  });

  test("both passes of guidance as tensors; the input is freed also where the model throws", async () => {
    const guided = sample({
      denoiser: (x: Tensor) => ({
        cond: tensor(x.values, x.shape),
        uncond: tensor(
          x.values.map((v) => v / 2),
          x.shape,
        ),
      }),
      ...{ tensor, plan: second, shape, seed, guidance: 3 },
    });
    expect((await guided.run()).every(Number.isFinite)).toBe(true);
    expect(Tensor.alive).toBe(0);
    const failing = sample({ denoiser: (): Tensor => { throw new RangeError("no memory"); }, ...{ tensor, plan: second, shape, seed } }); // biome-ignore format: one thought
    await expect(failing.run()).rejects.toThrow("no memory");
    expect(Tensor.alive).toBe(0);
  });
});

describe("a network that is wrapped", () => {
  test("EDM's: it is given c_in·x and ¼ log σ, and its output means the data", async () => {
    const path = edm({ sigmaData: 0.5 });
    const given: { x: number; t: number }[] = [];
    // The F whose D is exact for data N(0, σ_d²): D = σ_d²/(σ² + σ_d²) x is c_skip x, so F = 0.
    const network: Pass = (x, t) => {
      given.push({ x: x[0], t });
      return new Float32Array(x.length);
    };
    const steps: SampledStep[] = [];
    for await (const step of sample({
      denoiser: network,
      plan: plan({ path, steps: 24, eta: 0, solver: "heun" }),
      shape: [2000],
      seed,
    }))
      steps.push(step);
    expect(given[0].t).toBeCloseTo(Math.log(80) / 4, 12);
    expect(given[0].x).toBeCloseTo(steps[0].x[0] / Math.sqrt(80 ** 2 + 0.25), 5);
    expect(given).toHaveLength(2 * 24 - 1);
    const last = steps[23].next;
    const std = Math.sqrt(last.reduce((sum, v) => sum + v * v, 0) / last.length);
    expect(std).toBeGreaterThan(0.47);
    expect(std).toBeLessThan(0.53);
  });

  test("diffusers' Euler: the model gets the scaled state; the trajectory is DDIM's in other coordinates", async () => {
    const config = {
      beta_schedule: "scaled_linear",
      beta_start: 0.00085,
      beta_end: 0.012,
      timestep_spacing: "leading",
      steps_offset: 1,
    };
    const euler = pathFromDiffusers({ _class_name: "EulerDiscreteScheduler", ...config });
    const ddim = pathFromDiffusers({ _class_name: "DDIMScheduler", ...config, clip_sample: false });
    const model: Pass = (x, t) => x.map((v) => Math.cos(v + t / 300));
    const run = (path: typeof euler) =>
      sample({ denoiser: model, plan: plan({ path, steps: 10, eta: 0 }), shape, seed, samples: 2 }).run();
    expect(await run(euler)).toBeAllclose(await run(ddim), { atol: 2e-5 });
  });
});

describe("one step at a time", () => {
  test("onStep is waited for, onProgress counts, and both see every step", async () => {
    const seen: string[] = [];
    const loop = sample({
      ...{ denoiser, plan: second, shape, seed },
      onStep: async ({ index }) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        seen.push(`step ${index}`);
      },
      onProgress: ({ done, total }) => seen.push(`${done}/${total}`),
    });
    await loop.run();
    expect(seen).toEqual(Array.from({ length: 8 }, (_, i) => [`step ${i}`, `${i + 1}/8`]).flat());
  });

  test("an abort between predictor and corrector stops there", async () => {
    const controller = new AbortController();
    let calls = 0;
    const loop = sample({
      denoiser: (x, t, i) => {
        if (++calls === 3) controller.abort();
        return denoiser(x, t, i);
      },
      ...{ plan: plan({ path, steps: 4, eta: 0, solver: "heun" }), shape, seed, signal: controller.signal },
    });
    await expect(loop.run()).rejects.toMatchObject({ code: "ABORTED", message: "Sampling was stopped before step 1." });
    expect(calls).toBe(3);
  });

  test("memory is bounded: of the states behind, those that nobody keeps are freed while the loop runs", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    const states: WeakRef<Float32Array>[] = [];
    let alive = 0;
    for await (const { index, x } of sample({
      denoiser,
      plan: plan({ path, steps: 40, eta: 0, solver: "deis-3" }),
      shape: [50_000],
      seed,
    })) {
      states.push(new WeakRef(x));
      await new Promise((resolve) => setImmediate(resolve)); // a WeakRef holds until the job ends
      if (index === 38) {
        collectGarbage();
        alive = states.filter((state) => state.deref() !== undefined).length;
      }
    }
    expect(states).toHaveLength(40);
    expect(alive).toBeLessThanOrEqual(5); // the state, and the two that deis-3 looks back at, and what the step at hand holds
  });
});

test("ends: one step, from t = 1 to the data, under every rule and solver", async () => {
  const flow = rectifiedFlow({ prediction: "sample" });
  const point: Pass = (x) => new Float32Array(x.length).fill(0.25);
  for (const solver of solverNames) {
    for (const rule of stochasticRules) {
      if (rule === "ddim") continue; // is for VP
      for (const steps of [1, 2, 5]) {
        const start = rule === "euler-maruyama" || rule === "dance-sde" ? 0.98 : undefined; // its drift is infinite at t = 1
        const made = plan({ path: flow, steps, eta: 0.5, rule, solver, start });
        const x = await sample({ denoiser: point, plan: made, shape, seed }).run();
        expect(x.every((v) => Math.abs(v - 0.25) < 1e-6)).toBe(true); // the last step is an ODE step to the data
      }
    }
  }
});

test("a large eta underflows r^(η²) in float32 as in float64: all noise is re-drawn, and log p is finite", async () => {
  for (const path of [vp({ prediction: "v" }), stableDiffusion15({ prediction: "v" })]) {
    const steps: SampledStep[] = [];
    const model: Pass = (x) => x.map((v) => 0.1 * v);
    for await (const step of sample({ denoiser: model, plan: plan({ path, steps: 6, eta: 1e6 }), shape, seed }))
      steps.push(step);
    for (const { logp, next, step } of steps) {
      expect(next.every(Number.isFinite)).toBe(true);
      if (step.stochastic) expect(Number.isFinite(logp?.[0])).toBe(true);
    }
  }
});

test("types: a tensor denoiser needs a maker of tensors", () => {
  expectTypeOf<TensorSampleOptions<TensorLike>["tensor"]>().toBeFunction();
  expectTypeOf(sample<TensorLike>).returns.toExtend<AsyncIterable<SampledStep>>();
});
