import { check } from "@etalon/errors";
import { plan, type StepMap } from "@etalon/gddim";
import { type Linear, type Path, predictionCoefficients } from "@etalon/schedules";

/** The linear-quadratic model of fine-tuning: Gaussian data, exact model, quadratic reward. */
export interface GaussianGapOptions {
  path: Path;
  /** The grid, from noise to data; `timeGrid` makes one. */
  times: readonly number[];
  /** Noise level ≥ 0 that was trained with. */
  eta: number;
  /** Noise level ≥ 0 of the SDE that is measured. Default: `eta`. */
  evalEta?: number;
  /** Law of the data, per coordinate; variance > 0. */
  data: { mean: number; variance: number };
  /** r(x) = −½·curvature·(x − target)², curvature ≥ 0. */
  reward: { target: number; curvature: number };
  /** Weight > 0 of the KL penalty; towards 0 the model is trained to the end. Left out: the untrained model. */
  beta?: number;
  /** Steps [first, last) that are trained, as MixGRPO has them; the others of the training sampler are ODE steps. Default: all. */
  window?: readonly [first: number, last: number];
}

/** A sampler's law of x_0, which is Gaussian, and what it earns. */
export interface GaussianLaw {
  /** E[r(x_0)]. */
  reward: number;
  mean: number;
  variance: number;
  /** The factor in front of x_T: how much of the start, right or wrong, is left in x_0. */
  memory: number;
}

/** The exact reward gap of the linear-quadratic model. */
export interface GaussianGap {
  sde: GaussianLaw;
  ode: GaussianLaw;
  /** sde.reward − ode.reward. */
  gap: number;
  /**
   * Which error makes the gap. `horizon`: from the start at N(0, σ²), as samplers do, in place of the path's true law at the first time; the SDE forgets a wrong start
   * faster. `discretisation`: what is left from the true law: for the untrained model the error of N steps, for a trained one also the training itself. Their sum is `gap`.
   */
  parts: { horizon: number; discretisation: number };
}

/**
 * The exact reward gap between SDE and ODE at N steps, before and after fine-tuning at eta: Gaussian data and the exact model make every step affine and every law
 * Gaussian, so mean and variance follow by recursion; no simulation, no continuous-time limit.   docs/math.md §6
 * The trained policy minimises ½q(x_0 − c)² + β Σ KL of its steps, by the Riccati recursion; its model is then sampled at `evalEta`, at every step, and by the ODE.
 * @throws EtalonError OUT_OF_RANGE, BAD_SHAPE: an argument; a path whose prediction says nothing of the data at the first time (ε at α = 0)
 */
export function gaussianGap(options: GaussianGapOptions): GaussianGap {
  const { path, times, eta, evalEta = eta, data, reward, beta, window } = options;
  check.range("data.mean", data.mean);
  check.range("data.variance", data.variance, { above: 0 });
  check.range("reward.target", reward.target);
  check.range("reward.curvature", reward.curvature, { min: 0 });
  if (beta !== undefined) check.range("beta", beta, { above: 0 });
  const maps = (noise: number, sde?: readonly [number, number]) =>
    plan({ path, times, eta: noise, sde }).steps.map((step) => step.map);
  const trained = maps(eta, window);
  const model = times.slice(0, -1).map((t) => exactModel(path, t, data));
  const moves = beta === undefined ? trained.map(() => still) : controls(trained, model, reward, beta);
  const outputs = model.map((output, i) => moved(output, trained[i], moves[i]));
  const earn = (steps: StepMap[], start: Law) => law(steps, outputs, start, reward);
  const usual = { mean: 0, variance: path.initialStd(times[0]) ** 2 };
  const { alpha, sigma } = path.at(times[0]);
  const right = { mean: alpha * data.mean, variance: alpha ** 2 * data.variance + sigma ** 2 };
  const [noisy, quiet] = [maps(evalEta), maps(0)];
  const [sde, ode] = [earn(noisy, usual), earn(quiet, usual)];
  const gap = sde.reward - ode.reward;
  const discretisation = earn(noisy, right).reward - earn(quiet, right).reward;
  return { sde, ode, gap, parts: { horizon: gap - discretisation, discretisation } };
}

type Law = Pick<GaussianLaw, "mean" | "variance">;
/** A value as k·x + l. */
type Affine = { k: number; l: number };
const still: Affine = { k: 0, l: 0 };

/** The exact model's output at time t as a function of the state: that of the posterior mean of x0. */
function exactModel(path: Path, t: number, { mean, variance }: Law): Affine {
  const { alpha, sigma } = path.at(t);
  const total = alpha ** 2 * variance + sigma ** 2;
  if (path.prediction === "epsilon") return { k: sigma / total, l: (-sigma * alpha * mean) / total };
  const x0: Linear = predictionCoefficients(path.prediction, { alpha, sigma }).x0;
  const [k, l] = [(alpha * variance) / total, (sigma ** 2 * mean) / total];
  return { k: (k - x0.x) / x0.o, l: l / x0.o };
}

/** What the best policy adds to the mean of each step, u = k·x + l, by dynamic programming from the data back: V(x) = −½p·x² + h·x + const. */
function controls(
  steps: StepMap[],
  model: Affine[],
  { target, curvature }: GaussianGapOptions["reward"],
  beta: number,
): Affine[] {
  let [p, h] = [curvature, curvature * target];
  const moves: Affine[] = [];
  for (let i = steps.length - 1; i >= 0; i--) {
    const { a, b, std } = steps[i];
    const [f, g] = [a + b * model[i].k, b * model[i].l];
    const e = std > 0 ? beta / std ** 2 : Number.POSITIVE_INFINITY;
    const [gain, push] = std > 0 ? [-p / (p + e), h / (p + e)] : [0, 0];
    const cost = std > 0 ? e : 0;
    moves[i] = { k: gain * f, l: gain * g + push };
    const [f1, g1] = [f * (1 + gain), g * (1 + gain) + push];
    h = -p * f1 * g1 + h * f1 - cost * gain * f * (gain * g + push);
    p = p * f1 ** 2 + cost * (gain * f) ** 2;
  }
  return moves;
}

/** The model output that moves the training step's mean by u. */
const moved = ({ k, l }: Affine, { b }: StepMap, move: Affine): Affine =>
  move === still || b === 0 ? { k, l } : { k: k + move.k / b, l: l + move.l / b };

/** The law of x_0 under a sampler, and its reward. */
function law(
  steps: StepMap[],
  outputs: Affine[],
  start: Law,
  { target, curvature }: GaussianGapOptions["reward"],
): GaussianLaw {
  let { mean, variance } = start;
  let memory = 1;
  steps.forEach(({ a, b, std }, i) => {
    const factor = a + b * outputs[i].k;
    mean = factor * mean + b * outputs[i].l;
    variance = factor ** 2 * variance + std ** 2;
    memory *= factor;
  });
  return { mean, variance, memory, reward: -0.5 * curvature * (variance + (mean - target) ** 2) };
}
