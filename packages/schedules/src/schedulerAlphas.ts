import { EtalonError } from "@etalon/errors";
import { type BetaSchedule, betaSchedule } from "./betaSchedule.ts";
import { read, type SchedulerClass, type SchedulerConfig } from "./schedulerFields.ts";

/** β of a diffusers config and how ᾱ is rescaled, as options of `discreteVp`. */
export function schedulerAlphas(config: SchedulerConfig, name: SchedulerClass) {
  const trained = config.trained_betas;
  const count = read.number(config, "num_train_timesteps", 1000);
  const schedule = (config.beta_schedule ?? "linear") as BetaSchedule;
  if (schedule === "sigmoid" && name !== "DDPMScheduler") {
    throw new EtalonError("BAD_CONFIG", {
      argument: "beta_schedule",
      value: schedule,
      allowed: "linear, scaled_linear, squaredcos_cap_v2",
      hint: "Only DDPMScheduler has sigmoid.",
    });
  }
  const betas: ArrayLike<number> = Array.isArray(trained)
    ? trained
    : betaSchedule(schedule, count, read.number(config, "beta_start", 0.0001), read.number(config, "beta_end", 0.02));
  const exact = name === "DDIMScheduler" || name === "DDPMScheduler"; // the others keep ᾱ above 0 by 2^−24
  return { betas, zeroTerminalSnr: read.flag(config, "rescale_betas_zero_snr") && (exact || 2 ** -24) };
}
