import { check } from "@etalon/errors";
import type { Path } from "./Path.ts";

/** Options of the EDM path. */
export interface EdmOptions {
  /** Standard deviation of the data, > 0. Default 0.5. */
  sigmaData?: number;
  /** The smallest σ of a grid before the data, > 0. Default 0.002. */
  sigmaMin?: number;
  /** The largest σ, > sigmaMin. Default 80. */
  sigmaMax?: number;
  /** ρ of its own grid. Default 7. */
  rho?: number;
}

/**
 * The path and the preconditioning of EDM: the time is σ itself, from sigmaMax to 0, and the network F is wrapped so that the whole predicts the data:
 * D = c_skip·x + c_out·F(c_in·x, ¼ log σ), c_skip = σ_d²/(σ² + σ_d²), c_out = σσ_d/√(σ² + σ_d²), c_in = 1/√(σ² + σ_d²).   docs/math.md §1; arXiv:2206.00364, table 1
 * Its grid is Karras' by default: n noise levels from sigmaMax to sigmaMin, then 0.
 */
export function edm({ sigmaData = 0.5, sigmaMin = 0.002, sigmaMax = 80, rho = 7 }: EdmOptions = {}): Path {
  check.range("sigmaData", sigmaData, { above: 0 });
  check.range("sigmaMin", sigmaMin, { above: 0 });
  check.range("sigmaMax", sigmaMax, { above: sigmaMin });
  check.range("rho", rho, { above: 0 });
  const inside = (t: number) => check.range("t", t, { min: 0, max: sigmaMax }, "A time of the EDM path is its σ.");
  return {
    name: "edm",
    prediction: "sample",
    discrete: false,
    noiseTime: sigmaMax,
    dataTime: 0,
    grid: { spacing: "karras", rho, lastTime: sigmaMin },
    at: (t) => ({ alpha: 1, sigma: inside(t), logSnr: 0 - Math.log(t) }),
    slope: (t) => ({ alpha: 0, sigma: 1, logSnr: -1 / inside(t) }),
    precondition(t) {
      const total = inside(t) * t + sigmaData * sigmaData;
      return {
        in: 1 / Math.sqrt(total),
        time: Math.log(t) / 4,
        skip: (sigmaData * sigmaData) / total,
        out: (t * sigmaData) / Math.sqrt(total),
      };
    },
    initialStd: inside,
  };
}
