import "@etalon/testkit";
import { expect, test } from "vitest";
import { draws } from "../test/support/draws.ts";
import { expectSameBits } from "../test/support/expectSameBits.ts";
import { thrown } from "../test/support/thrown.ts";
import { logProb, normal, policyGradient, rollout, setThreads } from "./index.ts";

const dim = 40_003;
const batch = 3;
const [x, cond, uncond] = [1, 2, 3].map((salt) => draws(batch * dim, salt));
const map = { a: 0.93, b: -0.21, std: 0.4 };
const key = { seed: 11n, step: 6, samples: Uint32Array.of(4, 0, 19) };

test("is a·x + b·o + std·z, rounded once, with guidance in o", () => {
  const { next } = rollout({ x, cond, uncond, guidance: 5, map, key, dim });
  const z = normal({ key, dim });
  for (let i = 0; i < next.length; i++) {
    const o = uncond[i] + 5 * (cond[i] - uncond[i]);
    if (next[i] !== Math.fround(0.93 * x[i] + -0.21 * o + 0.4 * z[i])) throw new Error(`element ${i} is ${next[i]}`);
  }
});

test("its log-probability is logProb's, to the bit, and near −½ Σ z² − D log std − ½ D log 2π", () => {
  const { next, logp } = rollout({ x, cond, map, key, dim });
  expect(logProb({ next, x, cond, map, dim })).toEqual(logp);
  const z = normal({ key, dim });
  for (let s = 0; s < batch; s++) {
    const squares = z.subarray(s * dim, (s + 1) * dim).reduce((sum, v) => sum + v * v, 0);
    const expected = -0.5 * squares - dim * (Math.log(0.4) + 0.5 * Math.log(2 * Math.PI));
    expect(logp.subarray(s, s + 1)).toBeAllclose([expected], { rtol: 1e-9, atol: 0 });
  }
});

test("is the same for any split of the batch and any number of threads", () => {
  const whole = rollout({ x, cond, map, key, dim });
  for (const threads of [1, 2, 5]) {
    setThreads(threads);
    const again = rollout({ x, cond, map, key, dim });
    expectSameBits(again.next, whole.next);
    expectSameBits(again.logp, whole.logp);
    for (let s = 0; s < batch; s++) {
      const part = [s * dim, (s + 1) * dim] as const;
      const samples = key.samples.subarray(s, s + 1);
      const one = rollout({ x: x.subarray(...part), cond: cond.subarray(...part), map, key: { ...key, samples }, dim });
      expectSameBits(one.next, whole.next.subarray(...part));
      expect(one.logp[0]).toBe(whole.logp[s]);
    }
  }
});

test("takes a step a sample; where std is 0 the mean and no density", () => {
  const each = [map, { ...map, std: 0 }, { a: 1, b: 0, std: 2 }];
  const { next, logp } = rollout({ x, cond, map: each, key, dim });
  expectSameBits(next.subarray(0, dim), rollout({ x, cond, map, key, dim }).next.subarray(0, dim));
  expect(next[dim]).toBe(Math.fround(0.93 * x[dim] + -0.21 * cond[dim]));
  expect(logp[1]).toBe(0);
  expect(logp[2]).toBeLessThan(-dim);
});

test("works in place", () => {
  const state = x.slice();
  const { next, logp } = rollout({ x: state, cond, map, key, dim, out: state });
  expect(next).toBe(state);
  const apart = rollout({ x, cond, map, key, dim });
  expectSameBits(next, apart.next);
  expectSameBits(logp, apart.logp);
});

test("puts results where the caller wants them", () => {
  const want = rollout({ x, cond, map, key, dim });
  const [out, logp] = [new Float32Array(x.length), new Float64Array(batch)];
  const got = rollout({ x, cond, map, key, dim, out, logp });
  expect([got.next, got.logp]).toEqual([want.next, want.logp]);
  expect(got.next).toBe(out);
  expect(got.logp).toBe(logp);
  expect(logProb({ next: out, x, cond, map, dim, out: logp })).toBe(logp);
  const first = policyGradient({ ...learn(out, want.logp) });
  const again = policyGradient({ ...learn(out, want.logp), out: first });
  expect(again).toBe(first);
  expect(again).toEqual(policyGradient(learn(out, want.logp)));
});

test("guidance 1 with one output, or with both, is the conditional output", () => {
  const one = rollout({ x, cond, map: { ...map, b: 1 }, key, dim }).next;
  expect(rollout({ x, cond, uncond, map: { ...map, b: 1 }, key, dim }).next).toBeAllclose(one, {
    rtol: 1e-6,
    atol: 1e-6,
  });
});

function learn(next: Float32Array, oldLogp: Float64Array) {
  const objective = { oldLogp, advantage: [1, -1, 0.5], clip: 0.1, reduction: "mean" as const };
  return {
    next,
    x,
    cond,
    uncond,
    guidance: 2,
    map,
    dim,
    ...objective,
    kl: { weight: 0.1, cond: uncond, uncond: cond },
  };
}

test("refuses results on top of each other or of an input", () => {
  const { next, logp } = rollout({ x, cond, uncond, guidance: 2, map, key, dim });
  const out = policyGradient(learn(next, logp));
  const refused = (wrong: object) =>
    thrown(() => policyGradient({ ...learn(next, logp), out: { ...out, ...wrong } })).message;
  expect(refused({ gradCond: x })).toMatch(/^out\.gradCond is .*; allowed: memory that x does not share\.$/);
  expect(refused({ gradCond: out.gradUncond })).toMatch(/allowed: memory that out\.gradUncond does not share\.$/);
  expect(refused({ gradUncond: undefined })).toMatch(/^out\.gradUncond is undefined; allowed: a Float32Array of /);
  expect(refused({ kl: undefined })).toMatch(/^out\.kl is null; allowed: a Float64Array of 3 numbers\.$/);
});

const shared = new Float32Array(2 * x.length);
test.each([
  [{ x: Array.from(x) as unknown as Float32Array }, /^x is \[.*; allowed: a Float32Array of 120009 elements\.$/],
  [{ x: x.subarray(1) }, "x is Float32Array of length 120008; allowed: 120009 items. It is [3 samples, dim = 40003]."],
  [{ cond: undefined as unknown as Float32Array }, "cond is undefined; allowed: a Float32Array of 120009 elements."],
  [{ dim: 0 }, "dim is 0; allowed: a whole number ≥ 1 and ≤ 2147483647."],
  [{ map: { ...map, std: -1 } }, "map.std is -1; allowed: a finite number ≥ 0."],
  [{ map: { ...map, a: Number.NaN } }, "map.a is NaN; allowed: a finite number."],
  [{ map: [map] }, 'map is [{"a":0.93,"b":-0.21,"std":0.4}]; allowed: 3 items. One a sample, or one for all.'],
  [{ map: [map, map, { ...map, b: Infinity }] }, "map[2].b is Infinity; allowed: a finite number."],
  [{ guidance: Number.NaN }, "guidance is NaN; allowed: a finite number."],
  [
    { key: { ...key, samples: Uint32Array.of(4, 0, 4) } },
    "key.samples[2] is 4; allowed: an id of its own: key.samples[0] has this one. Samples of one id would get the same noise.",
  ],
  [{ logp: new Float64Array(2) }, "logp is Float64Array of length 2; allowed: 3 items. One number a sample."],
  [{ out: cond }, "out is Float32Array of length 120009; allowed: memory that cond does not share."],
  [
    { x: shared.subarray(0, x.length), out: shared.subarray(5, 5 + x.length) },
    "out is Float32Array of length 120009; allowed: memory that x does not share.",
  ],
  [{ cond: cond.with(50_000, Number.NaN) }, "cond[50000] is NaN; allowed: finite numbers."],
  [{ cond: cond.with(50_000, Infinity), map: { ...map, std: 0 } }, "cond[50000] is Infinity; allowed: finite numbers."],
  [
    { map: { ...map, a: 1e300 } },
    "sample 0 has a result that is not finite: the inputs are finite, but too far apart for their std.",
  ],
])("refuses: %#", (wrong, message) => {
  expect(thrown(() => rollout({ x, cond, map, key, dim, ...wrong })).message).toMatch(message);
});
