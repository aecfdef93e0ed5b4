import { check } from "@etalon/errors";

/**
 * Rescales ᾱ so that the last timestep is pure noise: √ᾱ is moved by its last value and stretched until its first is what it was.   docs/math.md §1; arXiv:2305.08891, algorithm 1
 * @param alphasCumprod  ᾱ of every training timestep, falling
 * @param last  ᾱ of the last timestep. Default 0; diffusers' Euler and DPM-Solver classes put 2^−24 there, to keep σ/α finite
 */
export function zeroTerminalSnr(alphasCumprod: ArrayLike<number>, last = 0): Float64Array {
  check.that(alphasCumprod.length >= 2, "BAD_SHAPE", {
    argument: "alphasCumprod",
    value: alphasCumprod,
    allowed: "two timesteps or more",
  });
  const roots = Float64Array.from(alphasCumprod, Math.sqrt);
  const [first, end] = [roots[0], roots[roots.length - 1]];
  check.range("last", last, { min: 0, below: alphasCumprod[0] });
  const rescaled = roots.map((root) => (((root - end) * first) / (first - end)) ** 2);
  rescaled[rescaled.length - 1] = last;
  return rescaled;
}
