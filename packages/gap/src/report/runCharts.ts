import type { Metrics } from "@etalon/trainers";
import type { TopLevelSpec } from "vega-lite";
import type { EpochGap } from "../measure/measuredTraining.ts";
import { chart, palette } from "./chart.ts";
import { type Html, html } from "./html.ts";
import { lines, zero } from "./layers.ts";
import { ends } from "./numbers.ts";
import { wholeAxis, wholeTicks } from "./wholeAxis.ts";

/** Reward of rollouts, and below it gradient norm, KL and the share clipped, by update. */
export async function metricsCharts(metrics: readonly Metrics[]): Promise<Html> {
  const values = metrics.map((m) => ({
    step: m.step,
    reward: m.reward.mean,
    low: m.reward.mean - m.reward.std,
    high: m.reward.mean + m.reward.std,
    gradNorm: m.gradNorm,
    kl: m.kl,
    clip: m.clipFraction,
  }));
  const x = (ticks: number) => ({
    field: "step",
    type: "quantitative",
    title: "update",
    axis: wholeAxis(wholeTicks(metrics[0].step, metrics[metrics.length - 1].step, ticks)),
  });
  const line = (field: "gradNorm" | "kl" | "clip", title: string, color: string) => ({
    width: 270,
    height: 170,
    mark: { type: "line", strokeWidth: 2, color },
    encoding: { x: x(7), y: { field, type: "quantitative", title, scale: { zero: false }, axis: leveled(values.map((value) => value[field])) } }, // biome-ignore format: one thought
  });
  const rewardSpec = {
    data: { values },
    width: 900,
    height: 260,
    layer: [
      {
        mark: { type: "area", opacity: 0.15, color: palette[0] },
        encoding: {
          x: x(20),
          y: {
            field: "low",
            type: "quantitative",
            title: "reward, mean and spread",
            scale: { zero: false },
          },
          y2: { field: "high" },
        },
      },
      {
        mark: { type: "line", strokeWidth: 2, color: palette[0] },
        encoding: { x: x(20), y: { field: "reward", type: "quantitative" } },
      },
    ],
  };
  const restSpec = {
    data: { values },
    hconcat: [
      line("gradNorm", "gradient norm", palette[1]),
      line("kl", "KL to the reference", palette[2]),
      line("clip", "share clipped", palette[3]),
    ],
  };
  return html`${await chart(rewardSpec as unknown as TopLevelSpec, "Reward of rollouts by update")}
${await chart(restSpec as unknown as TopLevelSpec, "Gradient norm, KL and share clipped by update")}`;
}

/** The format of a value that stays the same: Vega takes the decimals from the distance of two ticks, and rounds a lone one to a whole number. */
const leveled = (values: readonly unknown[]) => (new Set(values.filter((value) => value !== null)).size === 1 ? { format: ".3~g" } : {}); // biome-ignore format: one thought

/** ODE and SDE reward, and the gap, by epoch, with 95 % intervals. */
export async function gapCharts(gaps: readonly EpochGap[]): Promise<Html> {
  const x = { field: "epoch", type: "quantitative", title: "epochs of training", axis: wholeAxis(gaps.map(({ epoch }) => epoch)) }; // biome-ignore format: one thought
  const size = { width: 420, height: 230 };
  const rewards = gaps.flatMap(({ epoch, ode, sde }) => [
    { epoch, sampler: "ODE", ...ends(ode) },
    { epoch, sampler: "SDE", ...ends(sde) },
  ]);
  const color = { field: "sampler", type: "nominal", title: null, scale: { domain: ["ODE", "SDE"], range: palette } };
  const spec = {
    hconcat: [
      { ...size, data: { values: rewards }, layer: lines(x, "reward", { color }) },
      {
        ...size,
        data: { values: gaps.map(({ epoch, gap }) => ({ epoch, ...ends(gap) })) },
        layer: lines(x, "gap = SDE − ODE reward", { color: { value: palette[2] } }, [zero()]),
      },
    ],
  };
  return chart(spec as unknown as TopLevelSpec, "ODE and SDE reward, and the reward gap, along training");
}
