import type { Path } from "./Path.ts";
import { betaLine, type VpOptions } from "./vp.ts";

/**
 * The sub-variance-preserving path, t in [0, 1]: α = exp(−¼t²(β₁ − β₀) − ½tβ₀) as on VP, and σ = 1 − α².   docs/math.md §1; Song et al., arXiv:2011.13456, eq. 12
 * Its variance lies below VP's, the more the nearer to the data.
 */
export function subVp(options: VpOptions = {}): Path {
  const { prediction, logAlphaBar, beta } = betaLine(options);
  return {
    name: "sub-vp",
    prediction,
    discrete: false,
    noiseTime: 1,
    dataTime: 0,
    at(t) {
      const log = logAlphaBar(t);
      const sigma = 0 - Math.expm1(log); // "0 −" keeps −0 out
      return { alpha: Math.exp(log / 2), sigma, logSnr: log / 2 - Math.log(sigma) };
    },
    slope(t) {
      const [log, rate] = [logAlphaBar(t), beta(t)];
      const square = Math.exp(log);
      return {
        alpha: (-rate * Math.exp(log / 2)) / 2,
        sigma: rate * square,
        logSnr: -rate / 2 + (rate * square) / Math.expm1(log),
      };
    },
    initialStd: () => 1,
  };
}
