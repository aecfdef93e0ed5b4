import { check, EtalonError } from "@etalon/errors";
import type { Path } from "@etalon/schedules";
import { legendre } from "./legendre.ts";

/** η as a table over log-SNR, straight between its points and level beyond its ends; plain JSON. */
export interface EtaTable {
  /** Rising. */
  logSnr: readonly number[];
  /** As many. */
  eta: readonly number[];
}

/** The noise level of a plan: one number, one a step, or a function of log-SNR λ = log(α/σ). */
export type Eta = number | readonly number[] | EtaTable | ((logSnr: number) => number);

/**
 * The noise level of step `index`, from t to s.   docs/math.md §2
 * A function η(λ) is averaged over the step as gDDIM needs it, η² = (1/h) ∫ η(λ)² dλ, which is exact: ρ = exp(−∫ η² dλ). From pure noise or to the data,
 * where the step has no finite length in λ, it is taken at the finite end.
 * @throws EtalonError OUT_OF_RANGE: a noise level that is negative or not finite; BAD_SHAPE: a list of another length than the plan
 */
export function etaAlong(eta: Eta, path: Path, t: number, s: number, index: number, steps: number): number {
  if (typeof eta === "number") return level("eta", eta);
  if (Array.isArray(eta)) {
    check.length("eta", eta, steps, "One noise level a step.");
    return level(`eta[${index}]`, eta[index]);
  }
  const of = typeof eta === "function" ? eta : tableOf(eta as EtaTable);
  const at = (logSnr: number) => level(`eta at log-SNR ${logSnr}`, of(logSnr));
  const [from, to] = [path.at(t).logSnr, path.at(s).logSnr];
  if (!Number.isFinite(from) || !Number.isFinite(to))
    return Number.isFinite(to) ? at(to) : Number.isFinite(from) ? at(from) : 0;
  return Math.sqrt(legendre((v) => at(from + v * (to - from)) ** 2));
}

const level = (name: string, value: unknown) =>
  check.range(name, value, { min: 0 }, "0 gives the deterministic sampler.");

function tableOf(table: EtaTable): (logSnr: number) => number {
  const { logSnr, eta } = table ?? {};
  const fits = Array.isArray(logSnr) && Array.isArray(eta) && logSnr.length === eta.length && logSnr.length > 0;
  if (!fits || logSnr.some((x, i) => i > 0 && !(x > logSnr[i - 1]))) {
    throw new EtalonError("BAD_SHAPE", {
      argument: "eta",
      value: table,
      allowed: "a number, one a step, a function of log-SNR, or {logSnr, eta} of one length with logSnr rising",
    });
  }
  return (x) => {
    const k = logSnr.findIndex((value) => value >= x);
    if (k === -1) return eta[eta.length - 1];
    if (k === 0) return eta[0];
    const w = (x - logSnr[k - 1]) / (logSnr[k] - logSnr[k - 1]);
    return eta[k - 1] + w * (eta[k] - eta[k - 1]);
  };
}
