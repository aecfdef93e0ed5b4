import { check } from "@etalon/errors";
import { type Path, type Prediction, predictions } from "./Path.ts";

/** Options of the rectified-flow path. */
export interface RectifiedFlowOptions {
  /** Default "velocity". */
  prediction?: Prediction;
  /** Where a grid starts by default, in (0, 1]. Default 1, pure noise; a model that is to learn from its first step wants less (0.98 works). */
  noiseTime?: number;
}

/**
 * The straight path of rectified flow, t in [0, 1]: α = 1 − t, σ = t; FLUX.1, SD3.   docs/math.md §1
 * Time shift is a matter of the grid: `timeGrid`'s `shift` and `fluxTokens`.
 */
export function rectifiedFlow({ prediction = "velocity", noiseTime = 1 }: RectifiedFlowOptions = {}): Path {
  check.range("noiseTime", noiseTime, { above: 0, max: 1 });
  check.oneOf("prediction", prediction, predictions);
  return {
    name: "flow",
    prediction,
    discrete: false,
    noiseTime,
    dataTime: 0,
    at(t) {
      check.range("t", t, { min: 0, max: 1 });
      return { alpha: 1 - t, sigma: t, logSnr: Math.log1p(-t) - Math.log(t) };
    },
    initialStd: () => 1,
  };
}
