import { check, EtalonError, nearest } from "@etalon/errors";
import { type BetaSchedule, betaSchedule } from "./betaSchedule.ts";
import { discreteVp } from "./discreteVp.ts";
import type { Path, Prediction } from "./Path.ts";
import { rectifiedFlow } from "./rectifiedFlow.ts";
import { fluxShift } from "./shiftTime.ts";
import type { GridOptions } from "./timeGrid.ts";

/** A parsed scheduler_config.json. */
export type SchedulerConfig = Readonly<Record<string, unknown>>;

/**
 * The noise path of a diffusers scheduler config: DDIMScheduler, PNDMScheduler (what Stable Diffusion v1.5 ships), FlowMatchEulerDiscreteScheduler.
 * Read are the fields that make the path; those of the grid are for `gridFromDiffusers`; a field that would change results and that we do not have is refused.
 * @throws EtalonError BAD_CONFIG: an unknown class, an unknown field (the nearest known one is named) or a bad value; UNSUPPORTED: clipping, thresholding, …
 */
export function pathFromDiffusers(config: SchedulerConfig): Path {
  return read(config) === flow ? rectifiedFlow() : discretePath(config);
}

/**
 * The grid of a diffusers scheduler config, as options of `timeGrid`.
 * @param tokens  number of image tokens; needed where the config says use_dynamic_shifting
 * @throws EtalonError as `pathFromDiffusers`; OUT_OF_RANGE: tokens missing
 */
export function gridFromDiffusers(config: SchedulerConfig, tokens?: number): GridOptions {
  if (read(config) === flow) {
    if (config.use_dynamic_shifting !== true) return { spacing: "linspace", shift: number(config, "shift", 1) };
    const shift = fluxShift(check.count("tokens", tokens, "This scheduler shifts by the number of image tokens."), {
      baseTokens: number(config, "base_image_seq_len", 256),
      maxTokens: number(config, "max_image_seq_len", 4096),
      baseShift: number(config, "base_shift", 0.5),
      maxShift: number(config, "max_shift", 1.15),
    });
    return { spacing: "uniform", shift };
  }
  const spacing = check.oneOf(
    "timestep_spacing",
    config.timestep_spacing ?? "leading",
    ["leading", "trailing", "linspace"],
    "BAD_CONFIG",
  );
  return { spacing, stepsOffset: number(config, "steps_offset", 0) };
}

/** Fields by class: those read, with null; those that must have (or lack) one value, with that value. */
type Fields = Readonly<Record<string, null | { only: unknown }>>;

const discrete: Fields = {
  ...{ num_train_timesteps: null, beta_start: null, beta_end: null, beta_schedule: null, trained_betas: null },
  ...{ prediction_type: null, set_alpha_to_one: null, timestep_spacing: null, steps_offset: null },
  ...{ clip_sample: { only: false }, thresholding: { only: false }, rescale_betas_zero_snr: { only: false } },
  ...{ clip_sample_range: null, dynamic_thresholding_ratio: null, sample_max_value: null, skip_prk_steps: null },
};
const flow: Fields = {
  ...{ num_train_timesteps: { only: 1000 }, shift: null, use_dynamic_shifting: null },
  ...{ base_shift: null, max_shift: null, base_image_seq_len: null, max_image_seq_len: null },
  ...{ invert_sigmas: { only: false }, shift_terminal: { only: null }, time_shift_type: { only: "exponential" } },
  ...{ use_karras_sigmas: { only: false }, use_exponential_sigmas: { only: false } },
  ...{ use_beta_sigmas: { only: false }, stochastic_sampling: { only: false } },
};
const classes: Readonly<Record<string, Fields>> = {
  DDIMScheduler: discrete,
  PNDMScheduler: discrete,
  FlowMatchEulerDiscreteScheduler: flow,
};

/** Checks class and fields, and gives the fields of the class. */
function read(config: SchedulerConfig): Fields {
  const names = Object.keys(classes);
  const fields = classes[check.oneOf("_class_name", config._class_name, names, "BAD_CONFIG")];
  for (const [key, value] of Object.entries(config)) {
    if (key.startsWith("_")) continue;
    if (!Object.hasOwn(fields, key)) {
      const near = nearest(key, Object.keys(fields));
      throw new EtalonError("BAD_CONFIG", {
        argument: key,
        value,
        allowed: `a field of ${config._class_name}`,
        hint: near === undefined ? undefined : `Did you mean ${JSON.stringify(near)}?`,
      });
    }
    const rule = fields[key];
    if (rule !== null && value !== rule.only && value !== null) {
      throw new EtalonError("UNSUPPORTED", { argument: key, value, allowed: JSON.stringify(rule.only) });
    }
  }
  // DDIM clips x̂0 unless told not to, which is no affine step.
  if (config._class_name === "DDIMScheduler" && config.clip_sample === undefined) {
    throw new EtalonError("UNSUPPORTED", { argument: "clip_sample", value: undefined, allowed: "false, written out" });
  }
  return fields;
}

function discretePath(config: SchedulerConfig): Path {
  const count = number(config, "num_train_timesteps", 1000);
  const trained = config.trained_betas;
  const ddim = config._class_name === "DDIMScheduler";
  const prediction = check.oneOf(
    "prediction_type",
    config.prediction_type ?? "epsilon",
    ["epsilon", "sample", "v_prediction"],
    "BAD_CONFIG",
  );
  return discreteVp({
    betas: Array.isArray(trained)
      ? trained
      : betaSchedule(
          (config.beta_schedule ?? "linear") as BetaSchedule,
          count,
          number(config, "beta_start", 0.0001),
          number(config, "beta_end", 0.02),
        ),
    finalAlpha: (config.set_alpha_to_one ?? ddim) === true ? "one" : "first", // the defaults of the two classes differ
    prediction: prediction === "v_prediction" ? "v" : (prediction satisfies Prediction),
  });
}

function number(config: SchedulerConfig, key: string, fallback: number): number {
  const value = config[key] ?? fallback;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new EtalonError("BAD_CONFIG", { argument: key, value, allowed: "a finite number" });
}
