import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { draws } from "../test/support/draws.ts";
import { expectSameBits } from "../test/support/expectSameBits.ts";
import { forms } from "../test/support/forms.ts";
import type { RawObjective, RawPolicy } from "./binding.ts";

/** What holds between the forms, on the raw bindings: what the addon gives, bit for bit, is what TypeScript gives. */
const seed = 0x0123456789abcdefn;
const portable = forms[0][1];

test.skipIf(forms.length === 1)("noise: the same bits in both forms, a million elements of four samples", () => {
  const samples = Uint32Array.of(0, 1, 2 ** 32 - 1, 77);
  const dim = 1_000_003;
  const [a, b] = forms.map(([, form]) => {
    const out = new Float32Array(4 * dim);
    form.normal(seed, 2 ** 32 - 1, samples, dim, out);
    return out;
  });
  expectSameBits(a, b);
});

describe.each(forms)("%s against the portable form", (_, form) => {
  test("rollout, log-probability and gradient: states and gradients to the bit, scalars to 1e-14", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(1, 0, -2, 7.5),
        fc.boolean(),
        fc.boolean(),
        (dim, batch, guidance, guided, each) => {
          const [x, cond, uncond, reference, other] = [1, 2, 3, 4, 5].map((salt) => draws(batch * dim, salt));
          const maps = new Float64Array(each ? 4 * batch : 4).map(
            (_, i) => [0.91, -0.37, 0.21 + i / 64, guidance][i % 4],
          );
          const policy: RawPolicy = [maps, x, cond, guided ? uncond : null, batch, dim, 0];
          const samples = Uint32Array.from({ length: batch }, (_, i) => 3 * i);
          const run = (f: typeof form) => {
            const next = new Float32Array(batch * dim);
            const [logp, again, loss, ratio, clipped, kl] = Array.from({ length: 6 }, () => new Float64Array(batch));
            f.rollout(...policy, seed, 4, samples, next, logp);
            f.logProb(...policy, next, again);
            const gradCond = new Float32Array(batch * dim);
            const gradUncond = guided ? new Float32Array(batch * dim) : null;
            const oldLogp = logp.map((p) => p - 0.03);
            const advantage = logp.map((_, i) => (i === 1 ? -1 : 0.8));
            const outputs = [reference, guided ? other : null] as const;
            const objective: RawObjective = [next, oldLogp, advantage, 0.05, false, 0.1, ...outputs];
            f.policyGradient(...policy, ...objective, loss, ratio, clipped, kl, gradCond, gradUncond);
            return { next, logp, again, loss, ratio, clipped, kl, gradCond, gradUncond };
          };
          const [got, want] = [run(form), run(portable)];
          expect(got.again).toEqual(got.logp);
          expectSameBits(got.next, want.next);
          expect(got.kl).toEqual(want.kl);
          for (const name of ["logp", "loss", "ratio", "clipped"] as const) {
            got[name].forEach((value, i) => {
              expect(Math.abs(value - want[name][i])).toBeLessThanOrEqual(1e-14 * Math.max(dim, Math.abs(value)));
            });
          }
          const worst = (a: Float32Array, b: Float32Array) =>
            Math.max(...a.map((v, i) => Math.abs(v - b[i]) / (Math.abs(b[i]) + 1e-30)));
          expect(worst(got.gradCond, want.gradCond)).toBeLessThan(1.2e-7);
          if (guided) expect(worst(got.gradUncond!, want.gradUncond!)).toBeLessThan(1.2e-7);
        },
      ),
      { numRuns: 25 },
    );
  });
});
