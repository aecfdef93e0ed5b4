import { check, EtalonError, nearest } from "@etalon/errors";

/** A parsed scheduler_config.json. */
export type SchedulerConfig = Readonly<Record<string, unknown>>;

/** What is done with a field: it is read here; it changes no path and no grid, so it may hold anything ("solver"); or it must have one value, or be null. */
type Rule = "read" | "solver" | { readonly only: unknown };
type Fields = Readonly<Record<string, Rule>>;

const fields = (rule: Rule, names: string): Fields => Object.fromEntries(names.split(" ").map((name) => [name, rule]));

const betas: Fields = fields(
  "read",
  "num_train_timesteps beta_start beta_end beta_schedule trained_betas prediction_type",
);
const spacing: Fields = fields("read", "timestep_spacing steps_offset");
const noClipping: Fields = {
  ...fields({ only: false }, "clip_sample thresholding"),
  ...fields("solver", "clip_sample_range dynamic_thresholding_ratio sample_max_value"),
};
const noiseSpaced: Fields = fields(
  "read",
  "use_karras_sigmas use_exponential_sigmas use_beta_sigmas sigma_min sigma_max",
);
const rescale: Fields = fields("read", "rescale_betas_zero_snr");
const multistep: Fields = {
  ...{ ...betas, ...spacing, ...noClipping, ...noiseSpaced, ...rescale },
  ...fields("read", "final_sigmas_type use_flow_sigmas flow_shift"),
  ...fields({ only: false }, "use_dynamic_shifting"),
  ...fields({ only: "exponential" }, "time_shift_type"),
  ...fields("solver", "solver_order solver_type lower_order_final"),
};

/** The classes that are read, and their fields. */
const classes = {
  DDIMScheduler: {
    ...betas,
    ...spacing,
    ...noClipping,
    ...rescale,
    ...fields("read", "set_alpha_to_one"),
    ...fields("solver", "skip_prk_steps"),
  },
  PNDMScheduler: {
    ...{ ...betas, ...spacing, ...noClipping },
    ...fields("read", "set_alpha_to_one"),
    ...fields("solver", "skip_prk_steps"),
    ...fields({ only: false }, "rescale_betas_zero_snr"),
  },
  FlowMatchEulerDiscreteScheduler: {
    ...fields(
      "read",
      "num_train_timesteps shift use_dynamic_shifting base_shift max_shift base_image_seq_len max_image_seq_len",
    ),
    ...fields("read", "shift_terminal time_shift_type use_karras_sigmas use_exponential_sigmas use_beta_sigmas"),
    ...fields({ only: false }, "invert_sigmas stochastic_sampling"),
  },
  DDPMScheduler: {
    ...{ ...betas, ...spacing, ...noClipping, ...rescale },
    ...fields("solver", "variance_type"),
  },
  EulerDiscreteScheduler: {
    ...{ ...betas, ...spacing, ...noiseSpaced, ...rescale, ...fields("read", "final_sigmas_type") },
    ...fields({ only: "linear" }, "interpolation_type"),
    ...fields({ only: "discrete" }, "timestep_type"),
    ...noClipping,
    ...fields("solver", "skip_prk_steps set_alpha_to_one"),
  },
  EulerAncestralDiscreteScheduler: {
    ...{ ...betas, ...spacing, ...rescale, ...noClipping },
    ...fields("solver", "skip_prk_steps set_alpha_to_one"),
  },
  DPMSolverMultistepScheduler: {
    ...multistep,
    ...fields("read", "use_lu_lambdas lambda_min_clipped algorithm_type"),
    ...fields("solver", "euler_at_final skip_prk_steps set_alpha_to_one"),
    ...fields({ only: null }, "variance_type"),
  },
  UniPCMultistepScheduler: {
    ...multistep,
    ...fields({ only: null }, "shift_terminal"),
    ...fields("solver", "predict_x0 disable_corrector solver_p skip_prk_steps set_alpha_to_one"),
  },
} satisfies Record<string, Fields>;

/** A diffusers scheduler class whose config is read. */
export type SchedulerClass = keyof typeof classes;

/**
 * Checks class and fields of a config, and gives its class.
 * @throws EtalonError BAD_CONFIG: an unknown class or field (the nearest known one is named); UNSUPPORTED: a field with a value that would change results and that we do not have
 */
export function schedulerClass(config: SchedulerConfig): SchedulerClass {
  const names = Object.keys(classes) as SchedulerClass[];
  const name = check.oneOf("_class_name", config._class_name, names, "BAD_CONFIG");
  const known: Fields = classes[name];
  for (const [key, value] of Object.entries(config)) {
    if (key.startsWith("_")) continue;
    if (!Object.hasOwn(known, key)) {
      const near = nearest(key, Object.keys(known));
      throw new EtalonError("BAD_CONFIG", {
        argument: key,
        value,
        allowed: `a field of ${name}`,
        hint: near === undefined ? undefined : `Did you mean ${JSON.stringify(near)}?`,
      });
    }
    const rule = known[key];
    if (typeof rule === "object" && value !== rule.only && value !== null) {
      throw new EtalonError("UNSUPPORTED", { argument: key, value, allowed: JSON.stringify(rule.only) });
    }
  }
  // These clip x̂0 unless told not to, which is no affine step.
  if ((name === "DDIMScheduler" || name === "DDPMScheduler") && config.clip_sample === undefined) {
    throw new EtalonError("UNSUPPORTED", { argument: "clip_sample", value: undefined, allowed: "false, written out" });
  }
  return name;
}

/** Typed reading of a config's fields, with the defaults of its class. @throws EtalonError BAD_CONFIG: a value of another kind */
export const read = {
  number(config: SchedulerConfig, key: string, fallback: number): number {
    const value = config[key] ?? fallback;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw new EtalonError("BAD_CONFIG", { argument: key, value, allowed: "a finite number" });
  },
  flag(config: SchedulerConfig, key: string, fallback = false): boolean {
    const value = config[key] ?? fallback;
    if (typeof value === "boolean") return value;
    throw new EtalonError("BAD_CONFIG", { argument: key, value, allowed: "true or false" });
  },
  oneOf<const T extends string>(config: SchedulerConfig, key: string, fallback: T, names: readonly T[]): T {
    return check.oneOf(key, config[key] ?? fallback, names, "BAD_CONFIG");
  },
};
