import { check } from "@etalon/errors";
import type { GridOptions } from "./GridOptions.ts";
import { type Path, type Prediction, predictions } from "./Path.ts";

/** Options of the rectified-flow path. */
export interface RectifiedFlowOptions {
  /** Default "velocity". */
  prediction?: Prediction;
  /** Where a grid starts by default, in (0, 1]. Default 1, pure noise; a model that is to learn from its first step wants less (0.98 works). */
  noiseTime?: number;
  /** What `timeGrid` takes on this path where its caller says nothing: the model's time shift, say `{ shift: 3 }`. */
  grid?: GridOptions;
}

/**
 * The straight path of rectified flow, t in [0, 1]: α = 1 − t, σ = t; FLUX.1, SD3.   docs/math.md §1
 * Time shift is a matter of the grid: `timeGrid`'s `shift`, `fluxTokens` and `shiftTerminal`, or the `grid` given here.
 */
export function rectifiedFlow({ prediction = "velocity", noiseTime = 1, grid }: RectifiedFlowOptions = {}): Path {
  check.range("noiseTime", noiseTime, { above: 0, max: 1 });
  check.oneOf("prediction", prediction, predictions);
  const inside = (t: number) => check.range("t", t, { min: 0, max: 1 });
  return {
    name: "flow",
    prediction,
    discrete: false,
    noiseTime,
    dataTime: 0,
    ...(grid === undefined ? {} : { grid }),
    at: (t) => ({ alpha: 1 - inside(t), sigma: t, logSnr: Math.log1p(-t) - Math.log(t) }),
    slope: (t) => ({ alpha: -1, sigma: 1, logSnr: -1 / (inside(t) * (1 - t)) }),
    initialStd: () => 1,
  };
}

/** The path of Stable Diffusion 3 with its grid: rectified flow, time shift 3, spaced as its pipeline does.   SD3, arXiv:2403.03206; diffusers, FlowMatchEulerDiscreteScheduler */
export const stableDiffusion3 = (options: Omit<RectifiedFlowOptions, "grid"> = {}): Path =>
  rectifiedFlow({ ...options, grid: { spacing: "linspace", shift: 3 } });
