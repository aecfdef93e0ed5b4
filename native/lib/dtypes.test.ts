import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { draws } from "../test/support/draws.ts";
import { expectSameBits } from "../test/support/expectSameBits.ts";
import { forms } from "../test/support/forms.ts";
import { thrown } from "../test/support/thrown.ts";
import type { Binding, Half, RawObjective, RawPolicy } from "./binding.ts";
import type { Elements } from "./Elements.ts";
import { type Dtype, logProb, policyGradient, rollout } from "./index.ts";
import { numberToWord, widened, wordToNumber } from "./portable/float16.ts";

const halves: [Dtype, Half][] = [
  ["bfloat16", 1],
  ["float16", 2],
];

describe.each(halves)("%s", (dtype, half) => {
  test("every word is its number, and comes back as itself", () => {
    for (let word = 0; word < 65536; word++) {
      const number = wordToNumber(half, word);
      if (Number.isNaN(number)) expect(wordToNumber(half, numberToWord(half, number))).toBeNaN();
      else if (numberToWord(half, number) !== word) throw new Error(`${word} came back as another word`);
    }
  });

  test("known words", () => {
    const one = half === 1 ? 0x3f80 : 0x3c00;
    expect(wordToNumber(half, one)).toBe(1);
    expect(wordToNumber(half, 0x8000 | one)).toBe(-1);
    expect(numberToWord(half, half === 1 ? 1 + 2 ** -8 : 1 + 2 ** -11)).toBe(one); // a tie goes to the even word
    expect(numberToWord(half, half === 1 ? 1 + 3 * 2 ** -8 : 1 + 3 * 2 ** -11)).toBe(one + 2);
    expect(wordToNumber(half, numberToWord(half, 1e39))).toBe(Infinity);
    expect(numberToWord(half, 2 ** (half === 1 ? -133 : -24))).toBe(1); // the least number
  });

  const dim = 1500;
  const words = (salt: number) => Uint16Array.from(draws(2 * dim, salt), (v) => numberToWord(half, v));
  const [x, cond, uncond, reference] = [1, 2, 3, 4].map(words);
  const map = { a: 0.9, b: -0.3, std: 0.2 };
  const key = { seed: 5n, step: 3, samples: Uint32Array.of(0, 8) };

  test("a rollout is the float32 one on the same numbers, rounded once more; its log-probability is logProb's of the state as stored", () => {
    const wide = { x: widened(x, half), cond: widened(cond, half), uncond: widened(uncond, half) };
    const { next, logp } = rollout({ x, cond, uncond, guidance: 3, map, key, dim, dtype });
    expectTypeOf(next).toExtend<Uint16Array>();
    const exact = rollout({ ...wide, guidance: 3, map, key, dim }).next;
    expect(next).toEqual(Uint16Array.from(exact, (v) => numberToWord(half, v)));
    expect(logProb({ next, x, cond, uncond, guidance: 3, map, dim, dtype })).toEqual(logp);
    expect(logProb({ ...wide, next: widened(next, half), guidance: 3, map, dim })).toEqual(logp);
    const inPlace = x.slice();
    expect(rollout({ x: inPlace, cond, uncond, guidance: 3, map, key, dim, dtype, out: inPlace }).logp).toEqual(logp);
    expect(inPlace).toEqual(next);
  });

  test("kinds may differ between states and outputs; gradients are float32, or words where out has room for words", () => {
    const state = widened(x, half);
    const { next, logp } = rollout({ x: state, cond, map, key, dim, dtype });
    expectTypeOf(next).toExtend<Float32Array>();
    const kl = { weight: 0.5, cond: reference };
    const step = { next, x: state, cond, map, dim, dtype, oldLogp: logp, advantage: [1, -1], clip: 1, kl };
    const wide = policyGradient({ ...step, reduction: "sum" });
    expect(wide.ratio).toEqual(Float64Array.of(1, 1));
    const room = { loss: logp.slice(), ratio: logp.slice(), clipped: logp.slice(), kl: logp.slice() };
    const out = { ...room, gradCond: new Uint16Array(2 * dim) };
    const rounded = policyGradient({ ...step, reduction: "sum", out });
    expect(rounded).toBe(out);
    expect(rounded.loss).toEqual(wide.loss);
    expect(rounded.gradCond).toEqual(Uint16Array.from(wide.gradCond, (v) => numberToWord(half, v)));
  });

  test("what does not fit is refused", () => {
    const step = { x, cond, map, key, dim, dtype };
    const message = (run: () => unknown) => thrown(run).message;
    expect(message(() => rollout({ ...step, dtype: undefined }))).toBe(
      "dtype is undefined; allowed: bfloat16 or float16, as x is a Uint16Array.",
    );
    expect(message(() => rollout({ ...step, dtype: "float8" as Dtype }))).toMatch(
      /^dtype is "float8"; allowed: bfloat16, float16\./,
    );
    expect(message(() => rollout({ ...step, uncond: new Float32Array(2 * dim), guidance: 2 }))).toMatch(
      /^uncond is Float32Array of length 3000; allowed: a Uint16Array of 3000 elements, as cond\.$/,
    );
    expect(message(() => logProb({ ...step, next: new Float32Array(2 * dim) }))).toMatch(
      /^next is Float32Array of length 3000; allowed: a Uint16Array of 3000 elements, as x\.$/,
    );
    expect(message(() => rollout({ ...step, cond: cond.with(7, 0x7fff) }))).toBe(
      "cond[7] is NaN; allowed: finite numbers.",
    );
  });

  test("a state that the type cannot hold is reported", () => {
    const far = { a: half === 1 ? 1e39 : 1e6, b: 0, std: 0 };
    const run = () => rollout({ x, cond, map: far, key, dim, dtype });
    expect(thrown(run).message).toMatch(
      /^sample 0 has a result that is not finite: the inputs are finite, but too far/,
    );
  });
});

/** The laws of a step, on whatever is drawn: every kind of array, at an offset within its buffer. */
const laws = fc.record({
  dim: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1000, max: 3000 })),
  batch: fc.integer({ min: 1, max: 3 }),
  offset: fc.integer({ min: 0, max: 9 }),
  eta: fc.double({ min: 0.01, max: 3, noNaN: true }),
  guidance: fc.constantFrom(1, 0, -2, 7.5),
  guided: fc.boolean(),
  kinds: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
  half: fc.constantFrom<Half>(1, 2),
});

test.skipIf(forms.length === 1)("native and portable: the same bits for every kind of array, at any offset", () => {
  fc.assert(
    fc.property(laws, ({ dim, batch, offset, eta, guidance, guided, kinds: [state, output, gradient], half }) => {
      const at = (is16: boolean, salt: number): Elements => {
        const values = draws(batch * dim, salt);
        const array = is16 ? new Uint16Array(batch * dim + offset) : new Float32Array(batch * dim + offset);
        array.set(is16 ? values.map((v) => numberToWord(half, v)) : values, offset);
        return array.subarray(offset);
      };
      const empty = (is16: boolean) => at(is16, 0).fill(0);
      const [x, cond, uncond] = [at(state, 1), at(output, 2), guided ? at(output, 3) : null];
      const maps = Float64Array.of(0.91, -0.37, 0.4 * eta, guidance);
      const policy: RawPolicy = [maps, x, cond, uncond, batch, dim, half];
      const samples = Uint32Array.from({ length: batch }, (_, i) => 3 * i);
      const run = (form: Binding) => {
        const next = empty(state);
        const [logp, again, loss, ratio, clipped, kl] = Array.from({ length: 6 }, () => new Float64Array(batch));
        form.rollout(...policy, 77n, 4, samples, next, logp);
        form.logProb(...policy, next, again);
        const [gradCond, gradUncond] = [empty(gradient), guided ? empty(gradient) : null];
        const advantage = logp.map((_, i) => i - 0.5);
        const reference = [at(output, 4), guided ? at(output, 5) : null] as const;
        const objective: RawObjective = [next, logp, advantage, 0.1, true, 0.1, ...reference];
        form.policyGradient(...policy, ...objective, loss, ratio, clipped, kl, gradCond, gradUncond);
        return { next, logp, again, ratio, kl, gradCond, gradUncond };
      };
      const [want, got] = forms.map(([, form]) => run(form));
      expectSameBits(got.next, want.next);
      expect(got.again).toEqual(got.logp);
      expect(got.ratio).toEqual(new Float64Array(batch).fill(1)); // on policy
      expect(got.kl).toEqual(want.kl);
      // No exponential is left at ratio 1: the gradients have the same bits too.
      expectSameBits(got.gradCond, want.gradCond);
      if (guided) expectSameBits(got.gradUncond!, want.gradUncond!);
    }),
    { numRuns: 60 },
  );
});
