import { EtalonError } from "@etalon/errors";
import { asVarianceExploding } from "./asVarianceExploding.ts";
import { discreteVp } from "./discreteVp.ts";
import { gridOfConfig, noiseSpacingOf } from "./gridFromDiffusers.ts";
import type { Path, Prediction } from "./Path.ts";
import { rectifiedFlow } from "./rectifiedFlow.ts";
import { schedulerAlphas } from "./schedulerAlphas.ts";
import { read, type SchedulerClass, type SchedulerConfig, schedulerClass } from "./schedulerFields.ts";

/**
 * The noise path of a diffusers scheduler config: DDIM, DDPM, PNDM (what Stable Diffusion v1.5 ships), EulerDiscrete, EulerAncestralDiscrete, DPMSolverMultistep,
 * UniPCMultistep and FlowMatchEulerDiscrete. Its `grid` is the config's, so `timeGrid(path, n)` gives the times that the class would take.
 * The Euler classes work in coordinates with α = 1 (`asVarianceExploding`), and so does their path; the others are variance-preserving, or flow.
 * A field that would change results and that we do not have is refused; those of the solver alone (its order, its variance) are for the caller.
 * @throws EtalonError BAD_CONFIG: an unknown class, an unknown field (the nearest known one is named), a bad value, or two fields that contradict each other; UNSUPPORTED: clipping, thresholding, …
 */
export function pathFromDiffusers(config: SchedulerConfig): Path {
  const name = schedulerClass(config);
  const grid = gridOfConfig(config, name);
  if (name === "FlowMatchEulerDiscreteScheduler" || flowSigmas(config)) return rectifiedFlow({ grid });
  const path = discreteVp({
    ...schedulerAlphas(config, name),
    finalAlpha: finalAlphaOf(config, name),
    interpolation: interpolationOf(config, name),
    prediction: predictionOf(config),
    grid,
  });
  if (!euler(name)) return path;
  // Their noise is multiplied by √(σ² + 1) where the spacing is "leading", and by σ elsewhere.
  return asVarianceExploding(path, {
    initial: grid.spacing === "leading" || grid.ends === "leading" ? "total" : "sigma",
  });
}

const euler = (name: SchedulerClass) => name === "EulerDiscreteScheduler" || name === "EulerAncestralDiscreteScheduler";

function finalAlphaOf(config: SchedulerConfig, name: SchedulerClass): "first" | "one" {
  switch (name) {
    case "DDIMScheduler": // the defaults of these two differ
      return read.flag(config, "set_alpha_to_one", true) ? "one" : "first";
    case "PNDMScheduler":
      return read.flag(config, "set_alpha_to_one", false) ? "one" : "first";
    case "EulerDiscreteScheduler":
    case "DPMSolverMultistepScheduler":
    case "UniPCMultistepScheduler": {
      const type = read.oneOf(config, "final_sigmas_type", "zero", ["zero", "sigma_min"]);
      const algorithm = config.algorithm_type;
      if (type === "zero" && (algorithm === "dpmsolver" || algorithm === "sde-dpmsolver")) {
        throw new EtalonError("BAD_CONFIG", {
          argument: "final_sigmas_type",
          value: type,
          allowed: `sigma_min with algorithm_type ${algorithm}`,
          hint: "A solver for the noise cannot end at σ = 0.",
        });
      }
      return type === "zero" ? "one" : "first";
    }
    default:
      return "one";
  }
}

function interpolationOf(config: SchedulerConfig, name: SchedulerClass): "none" | "linear" | "log" {
  if (noiseSpacingOf(config) !== undefined) return "log";
  return euler(name) ? "linear" : "none";
}

function predictionOf(config: SchedulerConfig): Prediction {
  const name = read.oneOf(config, "prediction_type", "epsilon", ["epsilon", "sample", "v_prediction"]);
  return name === "v_prediction" ? "v" : name;
}

/** Whether DPM-Solver or UniPC is told to walk a flow. */
function flowSigmas(config: SchedulerConfig): boolean {
  const flow = read.flag(config, "use_flow_sigmas");
  if (flow !== (config.prediction_type === "flow_prediction")) {
    throw new EtalonError("BAD_CONFIG", {
      argument: "prediction_type",
      value: config.prediction_type,
      allowed: flow ? "flow_prediction with use_flow_sigmas" : "epsilon, sample, v_prediction without use_flow_sigmas",
    });
  }
  return flow;
}
