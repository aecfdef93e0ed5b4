import type { PathPoint } from "./Path.ts";

/**
 * The point of a variance-preserving path with log ᾱ = `logAlphaBar` ≤ 0: α = √ᾱ, σ = √(1 − ᾱ), without loss of digits near the data.
 * −∞ is pure noise, 0 is the data.
 */
export function variancePreserving(logAlphaBar: number): PathPoint {
  const variance = 0 - Math.expm1(logAlphaBar); // "0 −" keeps −0 out
  return {
    alpha: Math.exp(logAlphaBar / 2),
    sigma: Math.sqrt(variance),
    logSnr: (logAlphaBar - Math.log(variance)) / 2,
  };
}

/** Its slope where d log ᾱ/dt = −beta: α' = −½βα, σ' = ½βᾱ/σ, λ' = −½β/σ². */
export function variancePreservingSlope(logAlphaBar: number, beta: number): PathPoint {
  const { alpha, sigma } = variancePreserving(logAlphaBar);
  return {
    alpha: (-beta * alpha) / 2,
    sigma: (beta * alpha * alpha) / (2 * sigma),
    logSnr: -beta / (2 * sigma * sigma),
  };
}
