import { type Path, rectifiedFlow, subVp, ve, vp } from "@etalon/schedules";
import { type Plan, plan, type SamplerEntry } from "../src/index.ts";
import { lawAt, propagate } from "./gaussianLaw.ts";

const data = { mean: 0.5, variance: 0.25 };

/** Paths, with a stretch of time on which every solver is in its asymptotic range at some hundred steps. */
const stretches: readonly { path: Path; from: number; to: number }[] = [
  { path: vp(), from: 0.9, to: 0.1 },
  { path: vp({ prediction: "v" }), from: 0.8, to: 0.15 },
  { path: rectifiedFlow(), from: 0.9, to: 0.1 },
  { path: rectifiedFlow({ prediction: "sample" }), from: 0.85, to: 0.15 },
  { path: ve({ sigmaMin: 0.1, sigmaMax: 10 }), from: 1, to: 0 },
  { path: subVp({ prediction: "sample" }), from: 0.8, to: 0.1 },
];

/** The stretches of the paths that a sampler is for. */
export const stretchesOf = ({ paths }: SamplerEntry) =>
  stretches.filter(({ path }) => paths === "all" || path.name === (paths === "flow" ? "flow" : "vp"));

/** A plan of n steps of a sampler over a stretch, even in time. */
export function planOf(
  { name, kind }: SamplerEntry,
  { path, from, to }: (typeof stretches)[number],
  n: number,
  eta: number,
): Plan {
  const times = Array.from({ length: n + 1 }, (_, i) => from + ((to - from) * i) / n);
  return plan({ path, times, eta: kind === "rule" ? eta : 0, ...{ [kind]: name } });
}

/** The largest relative error of the marginal's variance, and of its mean in standard deviations, at any step; the start is exact. */
export function marginalError(
  entry: SamplerEntry,
  stretch: (typeof stretches)[number],
  n: number,
  eta: number,
): number {
  const made = planOf(entry, stretch, n, eta);
  const times = [made.steps[0].t, ...made.steps.map(({ s }) => s)];
  return Math.max(
    ...propagate(stretch.path, made, data).map(({ mean, variance }, i) => {
      const truth = lawAt(stretch.path, times[i], data);
      return Math.abs(variance / truth.variance - 1) + Math.abs(mean - truth.mean) / Math.sqrt(truth.variance);
    }),
  );
}

/** The order by which the error falls from n to 2n steps. */
export const measuredOrder = (
  entry: SamplerEntry,
  stretch: (typeof stretches)[number],
  n: number,
  eta: number,
): number => Math.log2(marginalError(entry, stretch, n, eta) / marginalError(entry, stretch, 2 * n, eta));
