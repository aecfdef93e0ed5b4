import { rectifiedFlow, timeGrid } from "@etalon/schedules";
import type { TopLevelSpec } from "vega-lite";
import { gaussianGap } from "../theory/gaussianGap.ts";
import { chart, palette } from "./chart.ts";
import type { Html } from "./html.ts";

/**
 * The exact gap of the Gaussian model along training, β falling to the right, for the study's etas and steps: rectified flow from t = 0.98, data N(0, 1), reward
 * −½(x − 2)².
 */
export function theoryChart(etas: readonly number[], steps: number): Promise<Html> {
  const path = rectifiedFlow();
  const times = timeGrid(path, steps, { start: 0.98 });
  const betas = Array.from({ length: 61 }, (_, i) => 10 ** (2 - i / 10));
  const values = etas.flatMap((eta) =>
    betas.map((beta) => {
      const { gap } = gaussianGap({
        path,
        times,
        eta,
        data: { mean: 0, variance: 1 },
        reward: { target: 2, curvature: 1 },
        beta,
      });
      return { eta: `${eta}`, beta, gap };
    }),
  );
  const x = {
    field: "beta",
    type: "quantitative",
    title: "β, the price of leaving the model: more training →",
    scale: { type: "log", reverse: true },
    axis: { values: [100, 1, 0.01, 0.0001], format: "~g" },
  };
  const spec = {
    data: { values },
    width: 620,
    height: 240,
    layer: [
      { mark: { type: "rule", color: "currentColor", opacity: 0.5 }, encoding: { y: { datum: 0 } } },
      {
        mark: { type: "line", strokeWidth: 2 },
        encoding: {
          x,
          y: { field: "gap", type: "quantitative", title: "gap = SDE − ODE reward" },
          color: { field: "eta", type: "nominal", title: "η of training", scale: { range: palette } },
        },
      },
    ],
  };
  return chart(spec as unknown as TopLevelSpec, "Exact reward gap of the Gaussian model");
}
