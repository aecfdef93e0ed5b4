import { check, EtalonError } from "@etalon/errors";
import { type GridOptions, type Path, type Preconditioning, type Prediction, timeGrid } from "@etalon/schedules";
import { type Eta, etaAlong } from "./etaAlong.ts";
import { rules, type StochasticRule, stochasticRules } from "./rules.ts";
import type { CorrectorMap, StepMap } from "./StepMap.ts";
import { type Solver, solverNames, solvers } from "./solvers.ts";

/** One step of a plan; plain JSON. */
export interface PlanStep {
  /** Its place in the plan, from 0. */
  index: number;
  /** From time t to time s, s nearer the data. */
  t: number;
  s: number;
  /** Noise level in the units of its rule; 0 at ODE steps. */
  eta: number;
  /** Whether it draws noise (std > 0), and so has a log-probability. */
  stochastic: boolean;
  map: StepMap;
  /** What made it: a rule, "ode" for the first-order ODE step, or a solver. */
  rule: StochasticRule | "ode" | Exclude<Solver, "euler">;
  /** The second half of a predictor–corrector step; absent elsewhere. */
  correct?: CorrectorMap;
  /** How the network is wrapped at t, and at s for `correct`; absent where it gets state and time as they are. */
  model?: Preconditioning;
  nextModel?: Preconditioning;
}

/** A whole trajectory; plain JSON: `JSON.parse(JSON.stringify(plan))` is the same plan. */
export interface Plan {
  /** The path's name. */
  path: string;
  prediction: Prediction;
  /** Standard deviation of the noise it starts from: 1, except on VE. */
  initialStd: number;
  steps: PlanStep[];
}

/** Options of `plan`. */
export interface PlanOptions extends GridOptions {
  path: Path;
  /** Number of steps, for a grid by `timeGrid` with the grid options. Or give `times`. */
  steps?: number;
  /** The times themselves, from noise to data, strictly falling. */
  times?: readonly number[];
  /** Noise level ≥ 0 of the stochastic steps: one number, one a step, or a function (or table) of log-SNR. */
  eta: Eta;
  /** Which steps are stochastic: "all" (default), "none", those with first ≤ index < last, or a mask of true and false, one a step. */
  sde?: "all" | "none" | readonly [first: number, last: number] | readonly boolean[];
  /** Their formula. Default "gddim". */
  rule?: StochasticRule;
  /** The method of the other steps. Default "euler", which is DDIM. */
  solver?: Solver;
  /** Lower the order of the multistep methods at the end: 1 at the last step, at most 2 at the one before, as diffusers does below 15 steps. Default false. */
  lowerOrderFinal?: boolean;
  /**
   * The first step of the solvers of order 3. A step of order 1 would leave an error of order 2 behind, so by default it is Heun's, one evaluation more
   * ("heun"); "euler" repeats diffusers.
   */
  startUp?: "heun" | "euler";
  /**
   * Discrete paths: a step from t goes to t − ⌊T/n⌋, or the end, as diffusers' DDIM and DDPM have it, though the next one starts from the grid's own time. The two are
   * one for "leading", and for "trailing" where n divides T; elsewhere this repeats their fault. Default false.
   */
  diffusersStride?: boolean;
}

/**
 * Lays out a trajectory as a list of steps: each a stochastic one by `rule`, or an ODE step by `solver`.   docs/math.md §2, §5
 * ODE steps are those outside `sde`, all of them at eta 0, and one that ends where σ = 0, since there is no noise to draw there. On flow, a stochastic step from
 * t = 1 (α = 0) re-draws x_T whole and carries no information about it: start later (`start: 0.98`) or leave it out of `sde`.
 * A multistep method looks at the outputs of whatever steps came before, stochastic or not, and starts at order 1.
 * @throws EtalonError OUT_OF_RANGE: an eta that the rule does not have, a window outside the plan, times that do not fall; UNSUPPORTED: a rule on a path it is not made for
 */
export function plan(options: PlanOptions): Plan {
  const {
    path,
    steps,
    times,
    eta,
    sde = "all",
    rule = "gddim",
    solver = "euler",
    lowerOrderFinal = false,
    startUp = "heun",
    diffusersStride = false,
    ...grid
  } = options;
  if (typeof eta !== "object" && typeof eta !== "function") {
    check.range("eta", eta, { min: 0 }, "0 gives the deterministic sampler.");
  }
  check.oneOf("rule", rule, stochasticRules);
  check.oneOf("solver", solver, solverNames);
  check.oneOf("startUp", startUp, ["heun", "euler"]);
  const knots = givenTimes(times, steps, grid) ?? timeGrid(path, check.count("steps", steps), grid);
  const count = knots.length - 1;
  const inside = chosen(sde, count);

  check.that(!diffusersStride || path.discrete, "UNSUPPORTED", {
    argument: "diffusersStride",
    value: diffusersStride,
    allowed: "false on a path without training timesteps",
  });
  const stride = Math.floor((path.noiseTime + 1) / count);

  const step = (index: number): PlanStep => {
    const t = knots[index];
    const s = diffusersStride ? Math.max(t - stride, path.dataTime) : knots[index + 1];
    const noise = etaAlong(eta, path, t, s, index, count);
    const draws = inside(index) && noise > 0 && path.at(s).sigma > 0;
    const method = draws ? rules[rule] : solvers[solver];
    const order = Math.min(method.order, index + 1, lowerOrderFinal ? count - index : 3);
    const past = knots.slice(0, index + 1).reverse();
    const { predict: map, correct } = draws
      ? { predict: rules[rule].step(path, past, s, noise, order), correct: undefined }
      : solvers[index === 0 && startUp === "heun" && method.order === 3 ? "heun" : solver].step(path, past, s, order);
    const stochastic = map.std > 0;
    const name = stochastic ? rule : solver === "euler" || draws ? "ode" : solver;
    return {
      ...{ index, t, s, eta: stochastic ? noise : 0, stochastic, map, rule: name },
      ...(correct && { correct }),
      ...(path.precondition && { model: path.precondition(t) }),
      ...(path.precondition && correct && { nextModel: path.precondition(s) }),
    };
  };
  const made = Array.from({ length: count }, (_, index) => step(index));
  return { path: path.name, prediction: path.prediction, initialStd: path.initialStd(knots[0]), steps: made };
}

function givenTimes(times: PlanOptions["times"], steps: unknown, grid: GridOptions): readonly number[] | undefined {
  if (times === undefined) return undefined;
  const extra = Object.entries({ steps, ...grid }).find(([, value]) => value !== undefined);
  if (extra !== undefined) {
    throw new EtalonError("OUT_OF_RANGE", {
      argument: extra[0],
      value: extra[1],
      allowed: "nothing beside times, which are the grid",
    });
  }
  check.that(Array.isArray(times) && times.length >= 2, "BAD_SHAPE", {
    argument: "times",
    value: times,
    allowed: "two times or more",
  });
  times.forEach((t, i) => {
    check.range(`times[${i}]`, t, i === 0 ? {} : { below: times[i - 1] }, "Times fall from noise to data.");
  });
  return times;
}

/** Whether a step is among the stochastic ones. */
function chosen(sde: NonNullable<PlanOptions["sde"]>, steps: number): (index: number) => boolean {
  if (sde === "all") return () => true;
  if (sde === "none") return () => false;
  if (Array.isArray(sde) && sde.length > 0 && sde.every((item) => typeof item === "boolean")) {
    check.length("sde", sde, steps, "A mask has one entry a step.");
    return (index) => sde[index] === true;
  }
  check.that(Array.isArray(sde) && sde.length === 2, "OUT_OF_RANGE", {
    argument: "sde",
    value: sde,
    allowed: '"all", "none" or a window [first, last)',
    hint: typeof sde === "string" ? undefined : "A mask of true and false, one a step, does as well.",
  });
  const first = check.range("sde[0]", sde[0], { min: 0, max: steps, integer: true });
  const last = check.range("sde[1]", sde[1], { min: first, max: steps, integer: true });
  return (index) => index >= first && index < last;
}
