import { check } from "@etalon/errors";
import { type Path, type Prediction, predictions } from "./Path.ts";

/** Options of the rectified flow. */
export interface RectifiedFlowOptions {
  prediction?: Prediction;
  /** Where grids start unless told otherwise, in (0, 1]. Below 1 the first step still knows something of the state; docs/math.md §2. */
  noiseTime?: number;
}

/** The rectified flow of FLUX and SD3, α = 1 − t, σ = t, t ∈ [0, 1]; Liu et al., arXiv:2209.03003. @throws EtalonError OUT_OF_RANGE */
export function rectifiedFlow({ prediction = "velocity", noiseTime = 1 }: RectifiedFlowOptions = {}): Path {
  check.oneOf("prediction", prediction, predictions);
  check.range("noiseTime", noiseTime, { above: 0, max: 1 });
  return {
    name: "rectified-flow",
    prediction,
    discrete: false,
    noiseTime,
    dataTime: 0,
    at(t) {
      check.range("t", t, { min: 0, max: 1 });
      return { alpha: 1 - t, sigma: t, logSnr: Math.log1p(-t) - Math.log(t) };
    },
  };
}
