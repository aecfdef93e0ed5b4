import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { draws } from "../test/support/draws.ts";
import { expectSameBits } from "../test/support/expectSameBits.ts";
import {
  backend,
  EtalonError,
  logProb,
  logProbAsync,
  policyGradient,
  policyGradientAsync,
  rollout,
  rolloutAsync,
} from "./index.ts";

const dim = 150_000;
const [x, cond] = [1, 2].map((salt) => draws(2 * dim, salt));
const map = { a: 0.9, b: -0.3, std: 0.2 };
const key = { seed: 5n, step: 3, samples: Uint32Array.of(0, 8) };
const step = { x, cond, map, key, dim };
const native = backend().name !== "portable";

async function rejected(promise: Promise<unknown>): Promise<EtalonError> {
  const error = await promise.then(
    () => new Error("nothing was thrown"),
    (reason) => reason,
  );
  if (!EtalonError.is(error)) throw error;
  return error;
}

test("the -Async forms give what the plain ones give", async () => {
  const { next, logp } = rollout(step);
  const drawn = await rolloutAsync(step);
  expectSameBits(drawn.next, next);
  expectSameBits(drawn.logp, logp);
  const known = { next, x, cond, map, dim };
  expectSameBits(await logProbAsync(known), logProb(known));
  const learn = { ...known, oldLogp: logp, advantage: [1, -1], clip: 0.1, reduction: "mean" as const };
  expectSameBits((await policyGradientAsync(learn)).gradCond, policyGradient(learn).gradCond);
  const short = { x: x.subarray(0, 10), cond: cond.subarray(0, 10), map, key, dim: 5 };
  expect(await rolloutAsync(short)).toEqual(rollout(short));
});

test.runIf(native)("a long call leaves this thread free", async () => {
  const big = 1 << 22;
  const [wide, other] = [new Float32Array(big), new Float32Array(big)];
  let done = false;
  const running = rolloutAsync({
    x: wide,
    cond: other,
    map,
    key: { ...key, samples: Uint32Array.of(1) },
    dim: big,
  }).then(() => {
    done = true;
  });
  let turns = 0;
  while (!done && turns < 3) {
    await setImmediate();
    turns += done ? 0 : 1;
  }
  await running;
  expect(turns).toBeGreaterThan(0);
});

test.runIf(native)("many at once, each with its own answer", async () => {
  const seeds = Array.from({ length: 12 }, (_, i) => BigInt(i));
  const all = await Promise.all(seeds.map((seed) => rolloutAsync({ ...step, key: { ...key, seed } })));
  for (const [i, { next, logp }] of all.entries()) {
    const alone = rollout({ ...step, key: { ...key, seed: seeds[i] } });
    expectSameBits(next, alone.next);
    expectSameBits(logp, alone.logp);
  }
});

test.runIf(native)("an output that a call in progress writes is refused, until that call is over", async () => {
  const out = new Float32Array(2 * dim);
  const first = rolloutAsync({ ...step, out });
  const message = "out is Float32Array of length 300000; allowed: memory that no call in progress writes.";
  const again = await rejected(rolloutAsync({ ...step, out }));
  expect([again.code, again.message]).toEqual(["BUSY", message]);
  const half = { ...step, x: x.subarray(dim), cond: cond.subarray(dim), out: out.subarray(dim) };
  expect((await rejected(rolloutAsync({ ...half, key: { ...key, samples: Uint32Array.of(1) } }))).code).toBe("BUSY");
  await first;
  expect((await rolloutAsync({ ...step, out })).next).toBe(out);
});

test("what is wrong comes as a rejection, with the number at fault", async () => {
  expect((await rejected(rolloutAsync({ ...step, dim: 0 }))).message).toMatch(/^dim is 0; /);
  const bad = await rejected(rolloutAsync({ ...step, cond: cond.with(200_001, Number.NaN) }));
  expect([bad.code, bad.message]).toEqual(["NOT_FINITE", "cond[200001] is NaN; allowed: finite numbers."]);
  const out = new Float32Array(2 * dim);
  await rejected(rolloutAsync({ ...step, x: x.with(3, Infinity), out }));
  expect((await rolloutAsync({ ...step, out })).next).toBe(out); // a failed call holds nothing
});
