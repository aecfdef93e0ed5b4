import { stripVTControlCharacters } from "node:util";
import "@etalon/testkit";
import { edm, pathFromDiffusers, rectifiedFlow, stableDiffusion15, ve, vp } from "@etalon/schedules";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import {
  deisStep,
  describePlan,
  dpmSolverStep,
  gddimStep,
  heunStep,
  type PlanOptions,
  plan,
  solverNames,
  stochasticRules,
} from "./index.ts";

const flow = rectifiedFlow();
const times = [0.9, 0.7, 0.5, 0.3, 0.2, 0.1];

describe("which steps are stochastic, and how much", () => {
  test("a mask, one entry a step; MixGRPO's window and the first k are windows", () => {
    const of = (sde: PlanOptions["sde"]) =>
      plan({ path: flow, times, eta: 1, sde }).steps.map(({ stochastic }) => stochastic);
    expect(of([true, false, false, true, false])).toEqual([true, false, false, true, false]);
    expect(of([0, 2])).toEqual([true, true, false, false, false]);
    expect(() => of([true, false])).toThrow("sde is [true,false]; allowed: 5 items. A mask has one entry a step.");
    expect(() => of([true, 1] as unknown as boolean[])).toThrow(/^sde\[0\] is true; allowed: /);
    expect(() => of([1, 2, 3] as unknown as boolean[])).toThrow(
      /A mask of true and false, one a step, does as well\.$/,
    );
  });

  test("one noise level a step; 0 makes it an ODE step", () => {
    const made = plan({ path: flow, times, eta: [0, 0.5, 1, 0, 2] });
    expect(made.steps.map(({ eta }) => eta)).toEqual([0, 0.5, 1, 0, 2]);
    expect(made.steps[2].map).toEqual(gddimStep(flow, 0.5, 0.3, 1));
    expect(made.steps.map(({ rule }) => rule)).toEqual(["ode", "gddim", "gddim", "ode", "gddim"]);
    expect(() => plan({ path: flow, times, eta: [1, 2] })).toThrow(
      "eta is [1,2]; allowed: 5 items. One noise level a step.",
    );
    expect(() => plan({ path: flow, times, eta: [1, 1, -1, 1, 1] })).toThrow(
      "eta[2] is -1; allowed: a finite number ≥ 0.",
    );
  });

  test("a function of log-SNR: gDDIM's ρ is exp(−∫ η² dλ), so halving the steps changes nothing for a one-point law", () => {
    const eta = (lambda: number) => 1 + 0.5 * Math.sin(lambda);
    const keep = (knots: number[]) =>
      plan({ path: flow, times: knots, eta }).steps.reduce((product, { t, s, eta: level }) => {
        const gap = flow.at(s).logSnr - flow.at(t).logSnr;
        return product * Math.exp(-level * level * gap);
      }, 1);
    expect(keep([0.9, 0.7, 0.5, 0.3, 0.1])).toBeCloseTo(keep([0.9, 0.1]), 12);
    const [from, to] = [0.9, 0.1].map((t) => flow.at(t).logSnr);
    const exact = 1.125 * (to - from) - (Math.cos(to) - Math.cos(from)) - (Math.sin(2 * to) - Math.sin(2 * from)) / 16;
    expect(keep([0.9, 0.1])).toBeCloseTo(Math.exp(-exact), 10);
  });

  test("a table of log-SNR is the function in straight lines, level beyond its ends, and plain JSON", () => {
    const table = { logSnr: [-1, 1], eta: [2, 0.5] };
    const of = (lambda: number) => 1.25 - 0.75 * Math.max(-1, Math.min(1, lambda));
    const levels = (eta: PlanOptions["eta"]) => plan({ path: flow, times, eta }).steps.map((step) => step.eta);
    expect(levels(table)).toBeAllclose(levels(of), { rtol: 1e-3 });
    expect(() => levels({ logSnr: [1, 1], eta: [1, 2] })).toThrow(
      /^eta is \{"logSnr":\[1,1\],"eta":\[1,2\]\}; allowed: a number, one a step,/,
    );
    expect(() => levels(() => Number.NaN)).toThrow(/^eta at log-SNR -1\.\d+ is NaN; allowed: a finite number ≥ 0\./);
  });

  test("from pure noise and to the data such a function is taken at the finite end", () => {
    const made = plan({ path: flow, times: [1, 0.5, 0], eta: (lambda) => (lambda === 0 ? 0.7 : Number.NaN) });
    expect(made.steps.map(({ eta }) => eta)).toEqual([0.7, 0]);
  });
});

describe("solvers", () => {
  const steps = (solver: PlanOptions["solver"], more: Partial<PlanOptions> = {}) =>
    plan({ path: flow, times, eta: 0, solver, ...more }).steps;

  test("a multistep method starts at order 1 and looks at what came before", () => {
    const made = steps("dpm++-2m");
    expect(made[0].map).toEqual(dpmSolverStep(flow, [0.9], 0.7));
    expect(made[3].map).toEqual(dpmSolverStep(flow, [0.3, 0.5], 0.2, { order: 2 }));
    expect(made.map(({ rule }) => rule)).toEqual(made.map(() => "dpm++-2m"));
    expect(steps("deis-3")[2].map).toEqual(deisStep(flow, [0.5, 0.7, 0.9], 0.3, { order: 3 }));
  });

  test("order 3 starts with Heun's step, or with Euler's as diffusers does", () => {
    const { predict, correct } = heunStep(flow, 0.9, 0.7);
    expect(steps("deis-3")[0]).toMatchObject({ map: predict, correct });
    expect(steps("deis-3", { startUp: "euler" })[0].correct).toBeUndefined();
  });

  test("lowerOrderFinal: order 1 at the last step, at most 2 before it", () => {
    const orders = (solver: PlanOptions["solver"]) =>
      steps(solver, { lowerOrderFinal: true, startUp: "euler" }).map(({ map }) => 1 + (map.earlier?.length ?? 0));
    expect(orders("dpm++-3m")).toEqual([1, 2, 3, 2, 1]);
    expect(orders("dpm++-2m")).toEqual([1, 2, 2, 2, 1]);
  });

  test("the ODE steps of a mixed plan are the solver's, and look at the outputs of the stochastic ones", () => {
    const made = plan({ path: flow, times, eta: 1, sde: [0, 2], solver: "dpm++-2m" });
    expect(made.steps.map(({ rule }) => rule)).toEqual(["gddim", "gddim", "dpm++-2m", "dpm++-2m", "dpm++-2m"]);
    expect(made.steps[2].map.earlier).toHaveLength(1);
  });

  test("a stochastic multistep rule has noise and an earlier term", () => {
    const made = plan({ path: flow, times, eta: 1, rule: "sde-dpm++-2m" });
    expect(made.steps[1].map).toEqual(dpmSolverStep(flow, [0.7, 0.9], 0.5, { eta: 1 }));
    expect(made.steps.every(({ stochastic, map }) => stochastic && map.std > 0)).toBe(true);
  });
});

test("a preconditioned path tells its steps how the network is wrapped", () => {
  const path = edm();
  const { steps } = plan({ path, steps: 4, eta: 0, solver: "heun" });
  expect(steps[0].model).toEqual(path.precondition?.(80));
  expect(steps[0].nextModel).toEqual(path.precondition?.(steps[0].s));
  expect(steps[3].nextModel).toBeUndefined(); // to the data without a corrector
  expect(plan({ path: flow, steps: 2, eta: 0 }).steps[0]).not.toHaveProperty("model");
});

test("diffusersStride goes to t − ⌊T/n⌋ as diffusers' DDIM does, by that option alone", () => {
  const path = stableDiffusion15();
  const ends = (options: Partial<PlanOptions>) =>
    plan({ path, steps: 7, eta: 0, spacing: "linspace", ...options }).steps.map(({ t, s }) => [t, s]);
  const times = [999, 832, 666, 500, 333, 166, 0]; // np.linspace(0, 999, 7).round()
  expect(ends({ diffusersStride: true })).toEqual(times.map((t) => [t, t - 142 < 0 ? -1 : t - 142]));
  expect(ends({})).toEqual(times.map((t, i) => [t, times[i + 1] ?? -1]));
  const leading = { spacing: "leading" as const };
  expect(ends({ ...leading, diffusersStride: true })).toEqual(ends(leading));
  expect(() => plan({ path: flow, steps: 4, eta: 0, diffusersStride: true })).toThrow(
    "diffusersStride is true; allowed: false on a path without training timesteps.",
  );
});

test("a path from a diffusers config brings its grid", () => {
  const path = pathFromDiffusers({
    _class_name: "EulerDiscreteScheduler",
    timestep_spacing: "trailing",
    use_karras_sigmas: true,
  });
  const made = plan({ path, steps: 6, eta: 1, rule: "ancestral" });
  expect(made.steps[0].t).toBe(999);
  expect(made.initialStd).toBeCloseTo(path.at(999).sigma, 10);
  expect(made.steps[5].stochastic).toBe(false);
});

test("console.table prints it: a row a step", () => {
  const rows = describePlan(plan({ path: flow, times: [0.9, 0.5, 0.1], eta: 0.7, sde: [0, 1], solver: "heun" }));
  expect(rows[1]).toEqual({
    t: 0.5,
    s: 0.1,
    rule: "heun",
    eta: 0,
    a: 1,
    b: -0.4,
    std: 0,
    correct: "1 x − 0.2 o; 0 x − 0.2 o",
  });
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((text: string) => {
    lines.push(...stripVTControlCharacters(text).split("\n"));
  });
  console.table(rows);
  log.mockRestore();
  const cells = (line: string) =>
    line
      .split("│")
      .map((cell) => cell.trim().replaceAll("'", ""))
      .slice(1, -1);
  expect(cells(lines[1])).toEqual(["(index)", "t", "s", "rule", "eta", "a", "b", "std", "flowGrpo", "correct"]);
  expect(cells(lines[3])).toEqual(["0", ...Object.values(rows[0]).map(String), ""]);
  expect(cells(lines[4])).toEqual(["1", "0.5", "0.1", "heun", "0", "1", "-0.4", "0", "", "1 x − 0.2 o; 0 x − 0.2 o"]);
});

test("random paths, grids, rules, solvers, masks: never NaN, and JSON keeps every bit", () => {
  const paths = [
    flow,
    vp({ prediction: "v" }),
    ve(),
    stableDiffusion15(),
    edm(),
    rectifiedFlow({ prediction: "sample" }),
  ];
  let made = 0;
  fc.assert(
    fc.property(
      fc.record({
        path: fc.constantFrom(...paths),
        rule: fc.constantFrom(...stochasticRules),
        solver: fc.constantFrom(...solverNames),
        steps: fc.integer({ min: 1, max: 40 }),
        spacing: fc.constantFrom(undefined, "karras" as const, "exponential" as const, "linspace" as const),
        level: fc.constantFrom(0, 1e-12, 0.3, 1, 1e6),
        mask: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
        lowerOrderFinal: fc.boolean(),
      }),
      ({ level, mask, ...options }) => {
        let plain: ReturnType<typeof plan>;
        try {
          plain = plan({ ...options, eta: level, sde: mask.slice(0, options.steps) });
        } catch (error) {
          expect(String(error)).toMatch(/^EtalonError: /); // a rule on another path, an eta that does not exist, …
          return;
        }
        made++;
        expect(JSON.stringify(plain)).not.toMatch(/null/); // NaN and Infinity become null
        expect(JSON.parse(JSON.stringify(plain))).toEqual(
          JSON.parse(JSON.stringify(plain, (_, v) => (Object.is(v, -0) ? 0 : v))),
        );
        for (const { map, stochastic } of plain.steps) expect(stochastic).toBe(map.std > 0);
      },
    ),
    { numRuns: 300 },
  );
  expect(made).toBeGreaterThan(100);
});

test.each([
  [
    { solver: "rk4" as "heun" },
    'solver is "rk4"; allowed: euler, heun, dpm++-2m, dpm++-3m, deis-2, deis-3, gddim-pc-2, gddim-pc-3.',
  ],
  [{ startUp: "ab" as "heun" }, 'startUp is "ab"; allowed: heun, euler.'],
  [{ eta: "1" as unknown as number }, 'eta is "1"; allowed: a finite number ≥ 0. 0 gives the deterministic sampler.'],
  [
    { eta: null as unknown as number },
    "eta is null; allowed: a number, one a step, a function of log-SNR, or {logSnr, eta} of one length with logSnr rising.",
  ],
])("refuses: %#", (options, message) => {
  expect(() => plan({ path: flow, times, eta: 1, ...options })).toThrow(expect.objectContaining({ message }));
});
