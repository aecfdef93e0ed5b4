import { rectifiedFlow, stableDiffusion15, ve, vp } from "@etalon/schedules";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describePlan, gddimStep, marginalStep, type PlanOptions, plan, ruleNames } from "./index.ts";

const flow = rectifiedFlow();

describe("which steps are stochastic", () => {
  const stochastic = (sde: PlanOptions["sde"], eta = 1.2) =>
    plan({ path: flow, steps: 6, eta, sde }).steps.map((step) => (step.stochastic ? 1 : 0));

  test("all but the last, none, or a window", () => {
    expect(stochastic("all")).toEqual([1, 1, 1, 1, 1, 0]);
    expect(stochastic(undefined)).toEqual([1, 1, 1, 1, 1, 0]);
    expect(stochastic("none")).toEqual([0, 0, 0, 0, 0, 0]);
    expect(stochastic([1, 3])).toEqual([0, 1, 1, 0, 0, 0]);
    expect(stochastic([4, 6])).toEqual([0, 0, 0, 0, 1, 0]);
    expect(stochastic([2, 2])).toEqual([0, 0, 0, 0, 0, 0]);
    expect(stochastic("all", 0)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("a path that does not end at the data stays stochastic to its end", () => {
    expect(plan({ path: stableDiffusion15(), steps: 3, eta: 1 }).steps.every((step) => step.stochastic)).toBe(true);
    expect(plan({ path: ve(), steps: 3, eta: 1 }).steps.every((step) => step.stochastic)).toBe(true);
  });
});

test("a step outside the window is the ODE's, one inside the rule's", () => {
  const { steps, ...head } = plan({ path: flow, times: [0.98, 0.5, 0.2, 0], eta: 0.7, sde: [1, 2] });
  expect(head).toEqual({ path: "flow", prediction: "velocity", initialStd: 1 });
  expect(steps).toEqual([
    { index: 0, t: 0.98, s: 0.5, eta: 0, stochastic: false, map: marginalStep(flow, 0.98, 0.5, 0), rule: "ode" },
    { index: 1, t: 0.5, s: 0.2, eta: 0.7, stochastic: true, map: gddimStep(flow, 0.5, 0.2, 0.7), rule: "gddim" },
    { index: 2, t: 0.2, s: 0, eta: 0, stochastic: false, map: marginalStep(flow, 0.2, 0, 0), rule: "ode" },
  ]);
});

test("grid options go to the grid; VE starts from σ_max", () => {
  expect(plan({ path: flow, steps: 4, eta: 0, start: 0.98 }).steps[0].t).toBe(0.98);
  expect(plan({ path: flow, steps: 2, eta: 0, shift: 3 }).steps[1].t).toBeCloseTo(0.75, 15);
  expect(plan({ path: ve({ sigmaMin: 1, sigmaMax: 50 }), steps: 2, eta: 1 }).initialStd).toBeCloseTo(50, 10);
});

test("never NaN, std in [0, ∞), and JSON keeps every bit, for any rule, grid and window", () => {
  const paths = [flow, vp({ prediction: "v" }), ve(), stableDiffusion15(), rectifiedFlow({ prediction: "sample" })];
  fc.assert(
    fc.property(
      fc.constantFrom(...paths),
      fc.constantFrom(...ruleNames),
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(60),
      (path, rule, steps, eta, k) => {
        const euler = rule === "flow-sde" || rule === "dance-sde";
        if ((euler && path.name !== "flow") || (rule === "ddim" && !["vp", "sd15"].includes(path.name))) return;
        const first = k % (steps + 1);
        const made = plan({ path, rule, steps, eta, sde: [first, steps] });
        for (const { map, stochastic } of made.steps) {
          expect([map.a, map.b, map.std].every(Number.isFinite)).toBe(true);
          expect(stochastic).toBe(map.std > 0);
        }
        const back: typeof made = JSON.parse(JSON.stringify(made));
        back.steps.forEach(({ map }, i) => {
          const { a, b, std } = made.steps[i].map;
          expect(map.a === a && map.b === b && map.std === std).toBe(true); // −0 comes back as 0, which is as good
        });
      },
    ),
  );
});

test("as a table, with the peers' noise level beside eta", () => {
  expect(describePlan(plan({ path: flow, times: [0.98, 0.5, 0], eta: 1.2 }))).toEqual([
    { t: 0.98, s: 0.5, rule: "gddim", eta: 1.2, a: 0.501841, b: -0.489963, std: 0.499997, flowGrpo: 1.69706 },
    { t: 0.5, s: 0, rule: "ode", eta: 0, a: 1, b: -0.5, std: 0 },
  ]);
});

test.each([
  [{ steps: 4, eta: -1 }, "eta is -1; allowed: a finite number ≥ 0. 0 gives the deterministic sampler."],
  [{ steps: 4, eta: Number.NaN }, "eta is NaN; allowed: a finite number ≥ 0. 0 gives the deterministic sampler."],
  [{ eta: 1 }, "steps is undefined; allowed: a whole number ≥ 1."],
  [{ steps: 0, eta: 1 }, "steps is 0; allowed: a whole number ≥ 1."],
  [{ steps: 4, times: [1, 0], eta: 1 }, "steps is 4; allowed: nothing beside times, which are the grid."],
  [{ times: [1, 0], shift: 3, eta: 1 }, "shift is 3; allowed: nothing beside times, which are the grid."],
  [{ times: [1], eta: 1 }, "times is [1]; allowed: two times or more."],
  [{ times: [1, 0.5, 0.5], eta: 1 }, "times[2] is 0.5; allowed: a finite number < 0.5. Times fall from noise to data."],
  [{ times: [1, Number.NaN], eta: 1 }, "times[1] is NaN; allowed: a finite number < 1. Times fall from noise to data."],
  [{ steps: 4, eta: 1, sde: [0, 5] }, "sde[1] is 5; allowed: a whole number ≥ 0 and ≤ 4."],
  [{ steps: 4, eta: 1, sde: [3, 2] }, "sde[1] is 2; allowed: a whole number ≥ 3 and ≤ 4."],
  [{ steps: 4, eta: 1, sde: "some" as "all" }, 'sde is "some"; allowed: "all", "none" or a window [first, last).'],
  [
    { steps: 4, eta: 1, rule: "flowsde" as "cps" },
    'rule is "flowsde"; allowed: gddim, ddim, flow-sde, dance-sde, cps, ancestral, euler-maruyama, sde-dpm++-2m. Did you mean "flow-sde"?',
  ],
  [{ steps: 4, eta: 1.2, rule: "cps" as const }, "eta is 1.2; allowed: a finite number ≥ 0 and ≤ 1."],
] satisfies [Omit<PlanOptions, "path">, string][])("refuses %o", (options, message) => {
  expect(() => plan({ path: flow, ...options })).toThrow(expect.objectContaining({ message }));
});

test("DDIM beyond what exists is refused with eta and the step", () => {
  expect(() => plan({ path: stableDiffusion15(), steps: 10, eta: 3, rule: "ddim" })).toThrow(
    /^eta is 3; allowed: at most 1\.\d+ for DDIM at the step from 901 to 801\. Beyond it DDIM/,
  );
});
