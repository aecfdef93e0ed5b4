import { check } from "@etalon/errors";
import { aysTables } from "./aysTables.ts";
import { betaQuantile } from "./betaQuantile.ts";
import type { GridOptions, NoiseSpacing } from "./GridOptions.ts";

/**
 * n noise levels from `most` down to `least`, both met exactly; for n = 1 `most` alone.   docs/math.md §1
 * karras: arXiv:2206.00364, eq. 5. exponential: even steps of log σ, which is even steps of log-SNR. beta: arXiv:2407.12173, quantiles of Beta(0.6, 0.6).
 * @param most, least  > 0    @param rho  of "karras", > 0
 */
export function noiseLevels(spacing: NoiseSpacing, n: number, most: number, least: number, rho = 7): number[] {
  check.range("rho", rho, { above: 0 });
  return Array.from({ length: n }, (_, i) => {
    const u = n === 1 ? 0 : i / (n - 1);
    if (u === 0) return most;
    if (u === 1) return least;
    if (spacing === "beta") return least + betaQuantile(1 - u, 0.6) * (most - least);
    if (spacing === "exponential") return Math.exp(Math.log(most) + u * Math.log(least / most));
    return (most ** (1 / rho) + u * (least ** (1 / rho) - most ** (1 / rho))) ** rho;
  });
}

/** The noise levels σ/α of an Align Your Steps table for n steps: the table itself for ten, else log-linear in it, as its authors advise. */
export function aysLevels(table: NonNullable<GridOptions["table"]>, n: number): readonly number[] {
  const { sigmas } = aysTables[table];
  if (n === sigmas.length) return sigmas;
  return Array.from({ length: n }, (_, i) => {
    const place = n === 1 ? 0 : (i * (sigmas.length - 1)) / (n - 1);
    const k = Math.min(Math.floor(place), sigmas.length - 2);
    return Math.exp(Math.log(sigmas[k]) + (place - k) * Math.log(sigmas[k + 1] / sigmas[k]));
  });
}
