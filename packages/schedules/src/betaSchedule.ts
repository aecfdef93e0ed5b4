import { check } from "@etalon/errors";

/** The names diffusers gives its β schedules. */
export const betaSchedules = ["linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid"] as const;
export type BetaSchedule = (typeof betaSchedules)[number];

/**
 * β of every training timestep, in float64.   docs/math.md §1; diffusers, `scheduling_ddim.py` and, for "sigmoid", `scheduling_ddpm.py` (there in float32).
 * @param start, end  the first and last β, in (0, 1), start ≤ end; "squaredcos_cap_v2" takes no notice of them, "sigmoid" comes near them
 * @param count  training timesteps, ≥ 2
 */
export function betaSchedule(schedule: BetaSchedule, count: number, start: number, end: number): Float64Array {
  check.oneOf("beta_schedule", schedule, betaSchedules);
  check.range("num_train_timesteps", count, { min: 2, integer: true });
  check.range("beta_start", start, { above: 0, below: 1 });
  check.range("beta_end", end, { min: start, below: 1 });
  switch (schedule) {
    case "linear":
      return Float64Array.from({ length: count }, (_, t) => start + ((end - start) * t) / (count - 1));
    case "scaled_linear": {
      const [low, high] = [Math.sqrt(start), Math.sqrt(end)];
      return Float64Array.from({ length: count }, (_, t) => (low + ((high - low) * t) / (count - 1)) ** 2);
    }
    case "squaredcos_cap_v2": {
      const alphaBar = (u: number) => Math.cos((((u + 0.008) / 1.008) * Math.PI) / 2) ** 2;
      return Float64Array.from({ length: count }, (_, t) =>
        Math.min(1 - alphaBar((t + 1) / count) / alphaBar(t / count), 0.999),
      );
    }
    case "sigmoid":
      return Float64Array.from({ length: count }, (_, t) => {
        const u = -6 + (12 * t) / (count - 1);
        return start + (end - start) / (1 + Math.exp(-u));
      });
  }
}
