import "@etalon/testkit";
import { rectifiedFlow, stableDiffusion15, ve, vp } from "@etalon/schedules";
import { describe, expect, test } from "vitest";
import * as gddim from "../src/index.ts";
import { plan, type SamplerEntry, samplers, solverNames, stochasticRules } from "../src/index.ts";
import { propagate } from "./gaussianLaw.ts";
import { marginalError, measuredOrder, planOf, stretchesOf } from "./orders.ts";

test("the table has every rule and every solver, once, and names functions that exist", () => {
  const names = (kind: string) => samplers.filter((entry) => entry.kind === kind).map(({ name }) => name);
  expect(names("rule").sort()).toEqual([...stochasticRules].sort());
  expect(names("solver").sort()).toEqual([...solverNames].sort());
  for (const { step } of samplers) expect(gddim).toHaveProperty(step);
});

/** Exact scores of Gaussian data: the marginal at every step against the true one, by recursion, so without a simulation's noise. */
describe.each(samplers.map((entry) => [entry.name, entry.order, entry] as const))("%s: order %d", (_, order, entry) => {
  const etas = entry.kind === "rule" ? [0.4, 1] : [0];
  const cases = stretchesOf(entry).flatMap((stretch) =>
    etas.map((eta) => [stretch.path.name, stretch.path.prediction, eta, stretch] as const),
  );

  test.each(cases)("%s, %s, eta %d", (_path, _prediction, eta, stretch) => {
    if (order === 0) {
      const [coarse, fine] = [20, 320].map((n) => marginalError(entry, stretch, n, eta));
      expect(fine).toBeGreaterThan(coarse / 4); // a method of order 1 would come down to a sixteenth
      return;
    }
    const measured = measuredOrder(entry, stretch, 160, eta);
    expect(measured).toBeGreaterThan(order - 0.2);
    expect(measured).toBeLessThan(order + 0.2);
    expect(marginalError(entry, stretch, 160, eta)).toBeLessThan(0.06 / 8 ** (order - 1));
  });
});

/** Whether one step from the truth of a one-point data law ends in the truth. */
function keepsMarginal(entry: SamplerEntry, stretch: ReturnType<typeof stretchesOf>[number]): boolean {
  const made = planOf(entry, stretch, 4, 0.8);
  const states = propagate(stretch.path, made, { mean: 0.7, variance: 0 });
  return states.slice(1).every(({ mean, variance }, i) => {
    const { alpha, sigma } = stretch.path.at(made.steps[i].s);
    return Math.abs(mean - alpha * 0.7) < 1e-12 && Math.abs(variance / sigma ** 2 - 1) < 1e-11;
  });
}

describe.each(samplers.map((entry) => [entry.name, entry] as const))("%s", (_, entry) => {
  test(`${entry.keepsMarginals ? "keeps" : "does not keep"} the marginals of a one-point data law`, () => {
    for (const stretch of stretchesOf(entry)) expect(keepsMarginal(entry, stretch)).toBe(entry.keepsMarginals);
  });

  test(`${entry.evaluations} evaluation(s) a step`, () => {
    const [stretch] = stretchesOf(entry);
    const made = planOf(entry, stretch, 6, 0.5);
    const counts = made.steps.map(({ correct }) => (correct ? 2 : 1));
    expect(counts.slice(1)).toEqual(counts.slice(1).map(() => entry.evaluations));
  });

  test(`largest eta: ${entry.largestEta}`, () => {
    const path = { "variance-preserving": vp(), flow: rectifiedFlow(), all: vp() }[entry.paths];
    const at = (eta: number) => () => plan({ path, times: [0.9, 0.3, 0.2], eta, ...{ [entry.kind]: entry.name } });
    if (entry.largestEta === null) {
      const noisy = plan({ path, times: [0.9, 0.3, 0.2], eta: 0, ...{ [entry.kind]: entry.name } });
      expect(noisy.steps.some(({ stochastic }) => stochastic)).toBe(false);
    } else if (entry.largestEta === "none") {
      for (const eta of [1e-12, 1, 30, 1e6])
        expect(at(eta)().steps.every(({ map }) => Number.isFinite(map.std))).toBe(true);
    } else {
      expect(at(1)).not.toThrow();
      expect(at(30)).toThrow(/^eta is 30; allowed: /);
    }
  });
});

test("for a one-point data law n steps are one step in law, at every noise level and on every path", () => {
  const data = { mean: 1.3, variance: 0 };
  for (const path of [vp(), rectifiedFlow(), ve(), stableDiffusion15({ prediction: "v" })]) {
    const [from, to] = path.discrete ? [901, 101] : [0.9, 0.1];
    for (const eta of [0.3, 1, 1.7]) {
      const ends = [1, 2, 5, 40].map((n) => {
        const times = Array.from({ length: n + 1 }, (_, i) => from + ((to - from) * i) / n);
        return propagate(path, plan({ path, times, eta }), data, { mean: 0.4, variance: 2 }).at(-1);
      });
      for (const end of ends) {
        expect([end?.mean, end?.variance, end?.gain] as number[]).toBeAllclose(
          [ends[0]?.mean, ends[0]?.variance, ends[0]?.gain] as number[],
          {
            rtol: 1e-11,
            atol: 1e-12,
          },
        );
      }
    }
  }
});

test("the published third order of DPM-Solver is of order 2", () => {
  const [entry] = samplers.filter(({ name }) => name === "dpm++-3m");
  const [stretch] = stretchesOf(entry);
  const error = (n: number, publishedThirdOrder: boolean) => {
    const made = planOf(entry, stretch, n, 0);
    const times = [made.steps[0].t, ...made.steps.map(({ s }) => s)];
    made.steps.forEach((step, i) => {
      if (i < 2) return;
      step.map = gddim.dpmSolverStep(stretch.path, [times[i], times[i - 1], times[i - 2]], times[i + 1], {
        order: 3,
        publishedThirdOrder,
      });
    });
    const end = propagate(stretch.path, made, { mean: 0.5, variance: 0.25 }).at(-1);
    const { alpha, sigma } = stretch.path.at(stretch.to);
    return Math.abs((end?.variance ?? 0) - alpha ** 2 * 0.25 - sigma ** 2);
  };
  const order = (published: boolean) => Math.log2(error(320, published) / error(640, published));
  expect(order(true)).toBeGreaterThan(1.8);
  expect(order(true)).toBeLessThan(2.2);
  expect(order(false)).toBeGreaterThan(2.8);
});
