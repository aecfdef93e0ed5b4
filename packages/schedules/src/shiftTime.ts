import { check } from "@etalon/errors";

/** Shifts a flow time towards the noise: t' = s·t / (1 + (s − 1)·t). 0 and 1 stay; shift 1 does nothing.   docs/math.md §1; SD3, arXiv:2403.03206 */
export function shiftTime(t: number, shift: number): number {
  check.range("shift", shift, { above: 0 });
  return t === 1 ? 1 : (shift * t) / (1 + (shift - 1) * t);
}

/** The time that `shiftTime` takes to t. */
export const unshiftTime = (t: number, shift: number): number =>
  shiftTime(t, 1 / check.range("shift", shift, { above: 0 }));

/** The line that gives FLUX's μ by the number of image tokens; the names are those of diffusers' scheduler config. */
export interface DynamicShift {
  baseTokens?: number;
  maxTokens?: number;
  baseShift?: number;
  maxShift?: number;
  /** The shift is e^μ ("exponential", default), or μ itself ("linear"). */
  type?: "exponential" | "linear";
}

/**
 * FLUX's dynamic shift as a `shift`: e^μ with μ linear in the number of image tokens, 256 → 0.5 and 4096 → 1.15 (also beyond both).
 * e^μ / (e^μ + 1/t − 1) is `shiftTime` with s = e^μ.   docs/math.md §1; FLUX.1, `flux/sampling.py`
 * @param tokens  image tokens: (height / 16)·(width / 16) for FLUX
 */
export function fluxShift(tokens: number, options: DynamicShift = {}): number {
  const { baseTokens = 256, maxTokens = 4096, baseShift = 0.5, maxShift = 1.15, type = "exponential" } = options;
  check.count("fluxTokens", tokens);
  check.range("maxTokens", maxTokens, { above: baseTokens });
  check.oneOf("type", type, ["exponential", "linear"]);
  const mu = baseShift + ((maxShift - baseShift) * (tokens - baseTokens)) / (maxTokens - baseTokens);
  return type === "linear" ? check.range("mu", mu, { above: 0 }) : Math.exp(mu);
}

/**
 * Stretches flow times so that the last one is `terminal`: 1 − t is scaled; 1 stays 1.   docs/math.md §1; LTX-Video, `rf.py`
 * @param times  falling, the last one below 1    @param terminal  in (0, 1)
 */
export function stretchToTerminal(times: readonly number[], terminal: number): number[] {
  check.range("shiftTerminal", terminal, { above: 0, below: 1 });
  const last = times[times.length - 1];
  return last === 1 ? [...times] : times.map((t) => 1 - ((1 - t) * (1 - terminal)) / (1 - last));
}
