import type { Path, Prediction } from "@etalon/schedules";
import type { Plan } from "../src/index.ts";

/** Data N(mean, variance) per coordinate. */
export interface Data {
  mean: number;
  variance: number;
}

/** The output of the exact model as k·x + l: E[ε | x] and E[x0 | x] of Gaussian data, in the path's prediction. */
function exactModel(prediction: Prediction, { alpha, sigma }: { alpha: number; sigma: number }, data: Data) {
  const total = alpha ** 2 * data.variance + sigma ** 2;
  const eps = { k: sigma / total, l: (-sigma * alpha * data.mean) / total };
  const x0 = { k: (alpha * data.variance) / total, l: (sigma ** 2 * data.mean) / total };
  const of = (e: number, d: number) => ({ k: e * eps.k + d * x0.k, l: e * eps.l + d * x0.l });
  return { epsilon: eps, sample: x0, v: of(alpha, -sigma), velocity: of(1, -1) }[prediction];
}

/** A random number as a form over (1, x_T, z_0, z_1, …): exact for a chain of affine steps with a linear model, so laws and orders need no simulation. */
type Form = Float64Array;

/**
 * The states of a plan as forms in x_T and the steps' noises, under the exact model of Gaussian data. x_T ~ N(start.mean, start.variance), default the path's own law
 * at the first time, in which every solver starts without error.
 */
export function propagate(path: Path, plan: Plan, data: Data, start = lawAt(path, plan.steps[0].t, data)) {
  const size = plan.steps.length + 2;
  const form = (): Form => new Float64Array(size);
  let x = form();
  [x[0], x[1]] = [start.mean, Math.sqrt(start.variance)];
  const model = (state: Form, t: number): Form => {
    const { k, l } = exactModel(path.prediction, path.at(t), data);
    const o = state.map((v) => k * v);
    o[0] += l;
    return o;
  };
  const sum = (...parts: (readonly [number, Form])[]): Form => {
    const total = form();
    for (const [c, f] of parts) f.forEach((v, i) => { total[i] += c * v; }); // biome-ignore format: one thought
    return total;
  };
  const past: { x: Form; o: Form }[] = [];
  const states = [x];
  for (const { t, s, index, map, correct } of plan.steps) {
    const o = model(x, t);
    const earlier = (list: typeof map.earlier = []) =>
      list.flatMap(({ a, b }, j) => [[a, past[j].x] as const, [b, past[j].o] as const]);
    let next = sum([map.a, x], [map.b, o], ...earlier(map.earlier));
    if (correct) {
      const again = model(next, s);
      next = sum(
        [correct.a, x],
        [correct.b, o],
        [correct.next.a, next],
        [correct.next.b, again],
        ...earlier(correct.earlier),
      );
    } else next[2 + index] += map.std;
    past.unshift({ x, o });
    x = next;
    states.push(x);
  }
  return states.map((f) => ({ mean: f[0], variance: f.subarray(1).reduce((v, c) => v + c * c, 0), gain: f[1] }));
}

/** The law of x_t: what a sampler should have at time t. */
export function lawAt(path: Path, t: number, { mean, variance }: Data): { mean: number; variance: number } {
  const { alpha, sigma } = path.at(t);
  return { mean: alpha * mean, variance: alpha ** 2 * variance + sigma ** 2 };
}
