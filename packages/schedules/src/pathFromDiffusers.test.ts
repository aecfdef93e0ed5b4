import { describe, expect, test } from "vitest";
import { fluxShift, gridFromDiffusers, pathFromDiffusers, stableDiffusion15, timeGrid } from "./index.ts";

/** The scheduler_config.json of Stable Diffusion v1.5 and of FLUX.1-dev, as the hub has them. */
const sd15 = {
  _class_name: "PNDMScheduler",
  _diffusers_version: "0.6.0",
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  trained_betas: null,
  clip_sample: false,
};
const flux = {
  _class_name: "FlowMatchEulerDiscreteScheduler",
  base_image_seq_len: 256,
  base_shift: 0.5,
  max_image_seq_len: 4096,
  max_shift: 1.15,
  num_train_timesteps: 1000,
  shift: 3,
  use_dynamic_shifting: true,
};

test.each(["PNDMScheduler", "DDIMScheduler"])("Stable Diffusion v1.5 by %s is stableDiffusion15()", (_class_name) => {
  const config = { ...sd15, _class_name };
  const path = pathFromDiffusers(config);
  for (const t of [-1, 0, 1, 500, 999]) expect(path.at(t)).toEqual(stableDiffusion15().at(t));
  expect(path.prediction).toBe("epsilon");
  expect(timeGrid(path, 50, gridFromDiffusers(config))).toEqual(timeGrid(stableDiffusion15(), 50));
});

describe("defaults and other fields", () => {
  test("DDIM ends at the data unless told otherwise, PNDM does not", () => {
    const ddim = pathFromDiffusers({ _class_name: "DDIMScheduler", clip_sample: false });
    expect(ddim.at(-1).sigma).toBe(0);
    expect(ddim.at(0).alpha ** 2).toBeCloseTo(1 - 0.0001, 15);
    expect(pathFromDiffusers({ _class_name: "PNDMScheduler" }).at(-1).sigma).toBeGreaterThan(0);
  });

  test("trained betas, cosine schedule, v-prediction", () => {
    const trained = pathFromDiffusers({ ...sd15, trained_betas: [0.1, 0.2], prediction_type: "v_prediction" });
    expect(trained.noiseTime).toBe(1);
    expect(trained.prediction).toBe("v");
    const cosine = pathFromDiffusers({ ...sd15, beta_schedule: "squaredcos_cap_v2" });
    const bar = (u: number) => Math.cos((((u + 0.008) / 1.008) * Math.PI) / 2) ** 2;
    expect(cosine.at(499).alpha ** 2).toBeCloseTo(bar(0.5) / bar(0), 12);
  });

  test("flow: velocity, dynamic or constant shift", () => {
    expect(pathFromDiffusers(flux).prediction).toBe("velocity");
    expect(gridFromDiffusers(flux, 1024)).toEqual({ spacing: "uniform", shift: fluxShift(1024) });
    expect(gridFromDiffusers({ ...flux, use_dynamic_shifting: false })).toEqual({ spacing: "linspace", shift: 3 });
  });
});

test.each([
  [
    () => pathFromDiffusers({ ...sd15, _class_name: "DDIMSheduler" }),
    /^_class_name is "DDIMSheduler"; .* Did you mean "DDIMScheduler"\?$/,
  ],
  [() => pathFromDiffusers({}), /^_class_name is undefined; allowed: DDIMScheduler, PNDMScheduler, /],
  [
    () => pathFromDiffusers({ ...sd15, beta_strt: 1 }),
    /^beta_strt is 1; allowed: a field of PNDMScheduler\. Did you mean "beta_start"\?$/,
  ],
  [() => pathFromDiffusers({ ...sd15, clip_sample: true }), /^clip_sample is true; allowed: false\.$/],
  [
    () => pathFromDiffusers({ _class_name: "DDIMScheduler" }),
    /^clip_sample is undefined; allowed: false, written out\.$/,
  ],
  [
    () => pathFromDiffusers({ ...sd15, rescale_betas_zero_snr: true }),
    /^rescale_betas_zero_snr is true; allowed: false\.$/,
  ],
  [() => pathFromDiffusers({ ...sd15, beta_schedule: "cosine" }), /^beta_schedule is "cosine"; allowed: linear, /],
  [() => pathFromDiffusers({ ...sd15, beta_start: "0.1" }), /^beta_start is "0.1"; allowed: a finite number\.$/],
  [() => pathFromDiffusers({ ...sd15, prediction_type: "eps" }), /^prediction_type is "eps"; allowed: /],
  [() => pathFromDiffusers({ ...flux, invert_sigmas: true }), /^invert_sigmas is true; allowed: false\.$/],
  [
    () => timeGrid(pathFromDiffusers(flux), 4),
    /^fluxTokens is undefined; allowed: the number of image tokens: this grid shifts by it\.$/,
  ],
  [
    () => pathFromDiffusers({ _class_name: "EulerDiscreteScheduler", use_karras_sigmas: true, use_beta_sigmas: true }),
    /^use_beta_sigmas is true; allowed: false beside use_karras_sigmas\.$/,
  ],
  [
    () => pathFromDiffusers({ _class_name: "EulerDiscreteScheduler", interpolation_type: "log_linear" }),
    /^interpolation_type is "log_linear"; allowed: "linear"\.$/,
  ],
  [
    () => pathFromDiffusers({ _class_name: "UniPCMultistepScheduler", use_flow_sigmas: true }),
    /^prediction_type is undefined; allowed: flow_prediction with use_flow_sigmas\.$/,
  ],
  [
    () => pathFromDiffusers({ _class_name: "DPMSolverMultistepScheduler", prediction_type: "flow_prediction" }),
    /^prediction_type is "flow_prediction"; allowed: epsilon, sample, v_prediction without use_flow_sigmas\.$/,
  ],
  [
    () => pathFromDiffusers({ _class_name: "DPMSolverMultistepScheduler", algorithm_type: "dpmsolver" }),
    /^final_sigmas_type is "zero"; allowed: sigma_min with algorithm_type dpmsolver\. A solver for the noise cannot end/,
  ],
  [
    () => pathFromDiffusers({ _class_name: "UniPCMultistepScheduler", final_sigmas_type: "one" }),
    /^final_sigmas_type is "one"; allowed: zero, sigma_min\.$/,
  ],
  [
    () => pathFromDiffusers({ _class_name: "UniPCMultistepScheduler", beta_schedule: "sigmoid" }),
    /^beta_schedule is "sigmoid"; allowed: linear, scaled_linear, squaredcos_cap_v2\. Only DDPMScheduler has sigmoid\.$/,
  ],
  [
    () => pathFromDiffusers({ _class_name: "DPMSolverMultistepScheduler", use_karras_sigmas: "yes" }),
    /^use_karras_sigmas is "yes"; allowed: true or false\.$/,
  ],
  [
    () => pathFromDiffusers({ _class_name: "DPMSolverMultistepScheduler", solver_ordr: 2 }),
    /^solver_ordr is 2; allowed: a field of DPMSolverMultistepScheduler\. Did you mean "solver_order"\?$/,
  ],
  [
    () => pathFromDiffusers({ _class_name: "DDPMScheduler" }),
    /^clip_sample is undefined; allowed: false, written out\.$/,
  ],
  [
    () => pathFromDiffusers({ ...sd15, num_train_timesteps: "many" }),
    /^num_train_timesteps is "many"; allowed: a finite number\.$/,
  ],
  [() => gridFromDiffusers(flux), /^tokens is undefined; allowed: a whole number ≥ 1\. This scheduler shifts/],
  [() => gridFromDiffusers({ ...sd15, timestep_spacing: "log" }), /^timestep_spacing is "log"; allowed: /],
])("refuses: %#", (f, message) => {
  expect(f).toThrow(message);
});
