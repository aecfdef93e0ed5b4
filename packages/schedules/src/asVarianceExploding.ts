import type { Path } from "./Path.ts";

/**
 * The same path in the coordinates of k-diffusion and diffusers' Euler classes: the state divided by α, so that α = 1 and σ is σ/α.   docs/math.md §1
 * The model stays what it was: it is given the state times α, which `precondition` says. Its v-prediction means that of the path's own coordinates.
 * @param initial  the sampler's start: "sigma" is σ, "total" √(σ² + 1), which is unit noise in the path's own coordinates. Default "sigma"
 */
export function asVarianceExploding(path: Path, { initial = "sigma" }: { initial?: "sigma" | "total" } = {}): Path {
  const ratio = (t: number) => Math.exp(-path.at(t).logSnr);
  const { slope } = path;
  return {
    ...path,
    name: `${path.name}-ve`,
    at: (t) => ({ alpha: 1, sigma: ratio(t), logSnr: path.at(t).logSnr }),
    ...(slope && {
      slope: (t: number) => ({ alpha: 0, sigma: -slope(t).logSnr * ratio(t), logSnr: slope(t).logSnr }),
    }),
    precondition(t) {
      const { alpha } = path.at(t);
      const own = path.precondition?.(t) ?? { in: 1, time: t, skip: 0, out: 1 };
      // Of the predictions only v changes with the coordinates: ε − (σ/α)·x0 is (α·ε − σ·x0)/α.
      const scale = path.prediction === "v" ? 1 / alpha : 1;
      return { in: own.in * alpha, time: own.time, skip: own.skip * alpha * scale, out: own.out * scale };
    },
    initialStd: (t) => (initial === "sigma" ? ratio(t) : Math.hypot(ratio(t), 1)),
  };
}
