import { normal } from "@etalon/native";
import "@etalon/testkit";
import { rectifiedFlow, ve } from "@etalon/schedules";
import { beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import {
  type Denoiser,
  initialNoise,
  type ModelOutput,
  plan,
  type SampledStep,
  type SampleOptions,
  sample,
} from "./index.ts";

const path = rectifiedFlow({ noiseTime: 0.98 });
const shape = [3, 2];
const dim = 6;
const seed = 11n;
const made = plan({ path, steps: 6, eta: 1.2, sde: [1, 4] });

/** A made-up model: smooth, and different at each time; each element by itself, so a split can't show through it. */
const denoiser: Denoiser = (x, t) => x.map((v) => Math.sin(2 * v) - 0.5 * t * v);

async function steps(options: Partial<SampleOptions> = {}): Promise<SampledStep[]> {
  const all: SampledStep[] = [];
  for await (const step of sample({ denoiser, plan: made, shape, seed, ...options })) all.push(step);
  return all;
}

describe("the loop", () => {
  let all: SampledStep[];
  beforeAll(async () => {
    all = await steps({ samples: 3 });
  });

  test("walks the plan: each step's next is the following one's x, and run() gives the last", async () => {
    expect(all.map(({ index, t, s }) => ({ index, t, s }))).toEqual(
      made.steps.map(({ index, t, s }) => ({ index, t, s })),
    );
    for (let i = 1; i < all.length; i++) expect(all[i].x).toBe(all[i - 1].next);
    expect(all[0].x).toEqual(initialNoise({ seed, samples: 3, dim }));
    expect(await sample({ denoiser, plan: made, shape, seed, samples: 3 }).run()).toEqual(all[5].next);
  });

  test("a step is a·x + b·o + std·z, its noise has key step i + 1, and its log-density is the normal one", () => {
    for (const { x, output, next, step, logp } of all) {
      const { a, b, std } = step.map;
      const o = output as Float32Array;
      const mean = Float64Array.from(x, (v, k) => a * v + b * o[k]);
      if (!step.stochastic) {
        expect(next).toBeAllclose(mean, { atol: 1e-6 });
        expect(logp).toBeUndefined();
        continue;
      }
      const z = Float64Array.from(next, (v, k) => (v - mean[k]) / std);
      const fresh = normal({ key: { seed, step: step.index + 1, samples: Uint32Array.of(0, 1, 2) }, dim });
      expect(z).toBeAllclose(fresh, { atol: 2e-5 });
      for (let i = 0; i < 3; i++) {
        const own = z.subarray(i * dim, (i + 1) * dim);
        const density =
          -0.5 * own.reduce((sum, v) => sum + v * v, 0) - dim * (Math.log(std) + 0.5 * Math.log(2 * Math.PI));
        expect(logp?.[i]).toBeCloseTo(density, 4);
      }
    }
    expect(all.map(({ logp }) => logp?.length)).toEqual([undefined, 3, 3, 3, undefined, undefined]);
  });

  test("starts anew each time, with the same bits, and writes no array again", async () => {
    const copies = all.map(({ next }) => next.slice());
    const again = await steps({ samples: 3 });
    expect(again.map(({ next }) => next)).toEqual(copies);
    expect(all.map(({ next }) => next)).toEqual(copies);
  });
});

describe("common random numbers", () => {
  test("a sample is the same whatever the batch it comes in", async () => {
    const whole = await sample({ denoiser, plan: made, shape, seed, samples: 5 }).run();
    for (const split of [
      [[0, 1, 2, 3, 4]],
      [[0], [1], [2], [3], [4]],
      [
        [0, 1, 2],
        [3, 4],
      ],
      [
        [4, 2],
        [3, 0, 1],
      ],
    ]) {
      for (const ids of split) {
        const part = await sample({ denoiser, plan: made, shape, seed, samples: Uint32Array.from(ids) }).run();
        ids.forEach((id, i) => {
          expect(part.subarray(i * dim, (i + 1) * dim)).toEqual(whole.subarray(id * dim, (id + 1) * dim));
        });
      }
    }
  });

  test("the fresh noise of a step is the same under every eta, and differs from step to step", async () => {
    const noise = async (eta: number) =>
      (await steps({ plan: plan({ path, steps: 6, eta }), samples: 2 }))
        .filter(({ step }) => step.stochastic)
        .map(({ x, output, next, step: { map } }) =>
          Float64Array.from(next, (v, k) => (v - map.a * x[k] - map.b * (output as Float32Array)[k]) / map.std),
        );
    const [low, high] = [await noise(0.7), await noise(1.2)];
    low.forEach((z, i) => {
      expect(z).toBeAllclose(high[i], { atol: 1e-4 });
    });
    expect(Math.abs(low[0][0] - low[1][0])).toBeGreaterThan(1e-3);
    expect(Math.abs(low[0][0] - initialNoise({ seed, samples: 1, dim })[0])).toBeGreaterThan(1e-3);
  });

  test("another seed is another sample; 11 and 11n are one", async () => {
    const run = (seed: bigint | number) => sample({ denoiser, plan: made, shape, seed }).run();
    expect(await run(11)).toEqual(await run(11n));
    expect(await run(12)).not.toEqual(await run(11n));
  });
});

describe("guidance", () => {
  const both: Denoiser = async (x, t, index) => ({
    cond: (await denoiser(x, t, index)) as Float32Array,
    uncond: x.map((v) => 0.3 * v),
  });

  test("is o_u + w·(o_c − o_u)", async () => {
    const combined: Denoiser = async (x, t, index) => {
      const { cond, uncond } = (await both(x, t, index)) as { cond: Float32Array; uncond: Float32Array };
      return uncond.map((u, k) => u + 3 * (cond[k] - u));
    };
    const guided = await sample({ denoiser: both, plan: made, shape, seed, samples: 2, guidance: 3 }).run();
    expect(guided).toBeAllclose(await sample({ denoiser: combined, plan: made, shape, seed, samples: 2 }).run(), {
      atol: 1e-5,
    });
  });

  test("1 is the conditional pass alone", async () => {
    expect(await sample({ denoiser: both, plan: made, shape, seed }).run()).toEqual(
      await sample({ denoiser, plan: made, shape, seed }).run(),
    );
  });
});

test("a perfect model of one point ends there, from given x and from VE's own start", async () => {
  const flow = plan({ path: rectifiedFlow({ prediction: "sample" }), steps: 4, eta: 1.2 });
  const point: Denoiser = (x) => new Float32Array(x.length).fill(0.25);
  const x = new Float32Array(2 * dim).fill(7);
  expect(await sample({ denoiser: point, plan: flow, shape, seed, x }).run()).toEqual(
    new Float32Array(2 * dim).fill(0.25),
  );
  expect(x).toEqual(new Float32Array(2 * dim).fill(7));

  const wide = plan({ path: ve({ sigmaMin: 1, sigmaMax: 50 }), steps: 2, eta: 0 });
  const [first] = await steps({ plan: wide });
  expect(first.x).toBeAllclose(
    initialNoise({ seed, samples: 1, dim }).map((z) => z * wide.initialStd),
    { rtol: 1e-6 },
  );
});

test("a plan from JSON gives the same bits", async () => {
  const back = JSON.parse(JSON.stringify(made));
  expect(await sample({ denoiser, plan: back, shape, seed }).run()).toEqual(
    await sample({ denoiser, plan: made, shape, seed }).run(),
  );
});

test("the noise is standard normal", () => {
  const z = initialNoise({ seed: 3n, samples: 8, dim: 20_000 });
  const mean = z.reduce((sum, v) => sum + v, 0) / z.length;
  const variance = z.reduce((sum, v) => sum + v * v, 0) / z.length;
  expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(z.length));
  expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / z.length));
});

describe("stopping", () => {
  test("an aborted signal stops before the next step, with its reason as cause", async () => {
    const controller = new AbortController();
    const loop = sample({
      denoiser: (x, t, index) => {
        if (index === 2) controller.abort("enough");
        return denoiser(x, t, index);
      },
      ...{ plan: made, shape, seed, signal: controller.signal },
    });
    const seen: number[] = [];
    const walk = async () => {
      for await (const { index } of loop) seen.push(index);
    };
    await expect(walk()).rejects.toMatchObject({
      code: "ABORTED",
      message: "Sampling was stopped before step 3.",
      cause: "enough",
    });
    expect(seen).toEqual([0, 1, 2]);
  });

  test("leaving the loop early calls the model no more", async () => {
    let calls = 0;
    const counting: Denoiser = (x, t, index) => {
      calls++;
      return denoiser(x, t, index);
    };
    for await (const { index } of sample({ denoiser: counting, plan: made, shape, seed })) if (index === 1) break;
    expect(calls).toBe(2);
  });
});

describe("refusals", () => {
  const bad = (options: object) => () => sample({ denoiser, plan: made, shape, seed, ...options } as SampleOptions);

  test.each([
    [{ seed: -1 }, "seed is -1; allowed: a whole number from 0 to 2^64 − 1."],
    [{ seed: 1n << 64n }, "seed is 18446744073709551616n; allowed: a whole number from 0 to 2^64 − 1."],
    [
      { seed: 2 ** 53 },
      "seed is 9007199254740992; allowed: a whole number from 0 to 2^64 − 1. Write a large one as a bigint: 123n.",
    ],
    [{ samples: 0 }, "samples is 0; allowed: a whole number ≥ 1 and ≤ 4294967296."],
    [{ samples: [1, 2] }, "samples is [1,2]; allowed: a number of samples, or their ids as a Uint32Array."],
    [{ samples: new Uint32Array(0) }, "samples is Uint32Array of length 0; allowed: one id or more."],
    [{ shape: [] }, "shape is []; allowed: the sizes of one sample, as [32, 32, 3]."],
    [{ shape: [3, 0] }, "shape[1] is 0; allowed: a whole number ≥ 1."],
    [{ guidance: Number.NaN }, "guidance is NaN; allowed: a finite number ≥ 0."],
    [{ plan: { steps: [] } }, 'plan is {"steps":[]}; allowed: a plan of one step or more.'],
    [{ denoiser: 3 }, "denoiser is 3; allowed: a function (x, t, index) that gives the model's output."],
    [
      { x: new Float32Array(7), samples: 1 },
      "x is Float32Array of length 7; allowed: 6 items. It is float32 [samples, ...shape].",
    ],
    [{ x: new Float64Array(6) }, "x is Float64Array of length 6; allowed: a Float32Array."],
  ])("at once: %#", (options, message) => {
    expect(bad(options)).toThrow(expect.objectContaining({ message }));
  });

  const within = `At step 0 (t = ${made.steps[0].t}): `;
  const at0 = `the denoiser's output at step 0 (t = ${made.steps[0].t})`;
  test.each([
    [
      () => new Float32Array(5),
      `${at0} is Float32Array of length 5; allowed: 6 items. It is float32 [samples, ...shape].`,
      1,
    ],
    [() => new Float32Array(6).fill(Number.NaN), `${within}cond[0] is NaN; allowed: finite numbers.`, 1],
    [
      () => new Float32Array(6),
      `${at0} is Float32Array of length 6; allowed: {cond, uncond} with guidance 3. Guidance 1 needs one pass only.`,
      3,
    ],
    [() => ({ cond: new Float32Array(6) }), `${at0}, uncond is undefined; allowed: a Float32Array.`, 3],
    [() => undefined, `${at0}, cond is undefined; allowed: a Float32Array.`, 1],
    [
      () => ({ cond: new Float32Array(6), uncond: Float32Array.of(0, Infinity, 0, 0, 0, 0) }),
      `${within}uncond[1] is Infinity; allowed: finite numbers.`,
      3,
    ],
    [
      () => new Float32Array(6).fill(-3e38),
      `${within}sample 0 has a result that is not finite: the inputs are finite, but too far apart for their std.`,
      1000,
    ],
  ])("of the model's output: %#", async (output, message, guidance) => {
    const twice: Denoiser = () => ({ cond: output() as Float32Array, uncond: new Float32Array(6) });
    const loop = sample({
      denoiser: guidance === 1000 ? twice : (output as unknown as Denoiser),
      ...{ plan: made, shape, seed, guidance },
    });
    await expect(loop.run()).rejects.toThrow(expect.objectContaining({ message }));
  });

  test("of an x that is not finite", async () => {
    const x = Float32Array.of(0, 0, Number.NaN, 0, 0, 0);
    await expect(sample({ denoiser: () => new Float32Array(6), plan: made, shape, seed, x }).run()).rejects.toThrow(
      expect.objectContaining({ code: "NOT_FINITE", message: `${within}x[2] is NaN; allowed: finite numbers.` }),
    );
  });

  test("an error of the model comes out as it is", async () => {
    const failing = new RangeError("out of memory");
    const loop = sample({ denoiser: () => Promise.reject(failing), plan: made, shape, seed });
    await expect(loop.run()).rejects.toBe(failing);
  });
});

test("types", () => {
  expectTypeOf(sample).returns.toExtend<AsyncIterable<SampledStep>>();
  expectTypeOf<SampledStep["output"]>().toEqualTypeOf<ModelOutput>();
  expectTypeOf<SampledStep["logp"]>().toEqualTypeOf<Float64Array | undefined>();
});
