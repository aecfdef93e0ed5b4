import { check, EtalonError } from "@etalon/errors";
import type { Path, Prediction } from "./Path.ts";
import { rectifiedFlow } from "./rectifiedFlow.ts";
import { stableDiffusion15 } from "./stableDiffusion15.ts";

const predictionNames: Readonly<Record<string, Prediction>> = {
  epsilon: "epsilon",
  sample: "sample",
  v_prediction: "v",
};

/**
 * The noise path that a diffusers scheduler_config.json describes. Knows DDIM, DDPM and PNDM files with linear or scaled-linear betas, and FlowMatchEuler files; the time
 * shift of a flow belongs to the grid.
 * @throws EtalonError UNSUPPORTED: another scheduler class; OUT_OF_RANGE: a value that names no path known here
 */
export function pathFromDiffusers(config: Readonly<Record<string, unknown>>): Path {
  const name = config._class_name;
  if (name === "FlowMatchEulerDiscreteScheduler") return rectifiedFlow();
  const known = ["DDIMScheduler", "DDPMScheduler", "PNDMScheduler"];
  if (!known.includes(String(name))) {
    throw new EtalonError("UNSUPPORTED", {
      argument: "_class_name",
      value: name,
      allowed: [...known, "FlowMatchEulerDiscreteScheduler"].join(", "),
    });
  }
  const refused = ["trained_betas", "rescale_betas_zero_snr"].find((key) => config[key]);
  if (refused) throw new EtalonError("UNSUPPORTED", { argument: refused, value: config[refused], allowed: "none" });
  const prediction = check.oneOf("prediction_type", config.prediction_type ?? "epsilon", Object.keys(predictionNames));
  return stableDiffusion15({
    prediction: predictionNames[prediction],
    betaStart: (config.beta_start as number | undefined) ?? 0.0001,
    betaEnd: (config.beta_end as number | undefined) ?? 0.02,
    betaSchedule: (config.beta_schedule ?? "linear") as "linear",
    trainTimesteps: config.num_train_timesteps as number | undefined,
    finalAlphaOne: (config.set_alpha_to_one as boolean | undefined) ?? true,
  });
}
