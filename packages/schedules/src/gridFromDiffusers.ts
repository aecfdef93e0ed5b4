import { check, EtalonError } from "@etalon/errors";
import { discreteVp } from "./discreteVp.ts";
import type { GridOptions, NoiseSpacing } from "./GridOptions.ts";
import { schedulerAlphas } from "./schedulerAlphas.ts";
import { read, type SchedulerClass, type SchedulerConfig, schedulerClass } from "./schedulerFields.ts";
import { fluxShift, shiftTime } from "./shiftTime.ts";

/**
 * The grid of a diffusers scheduler config, as options of `timeGrid`. The path that `pathFromDiffusers` gives carries it already; this is for another path.
 * @param tokens  number of image tokens; needed where the config says use_dynamic_shifting
 * @throws EtalonError as `pathFromDiffusers`; OUT_OF_RANGE: tokens missing
 */
export function gridFromDiffusers(config: SchedulerConfig, tokens?: number): GridOptions {
  const { dynamicShift, ...grid } = gridOfConfig(config, schedulerClass(config));
  if (dynamicShift === undefined) return grid;
  check.count("tokens", tokens, "This scheduler shifts by the number of image tokens.");
  return { ...grid, shift: fluxShift(tokens as number, dynamicShift) };
}

/** The config's grid; one that shifts by the number of tokens has `dynamicShift`, and waits for `fluxTokens`. */
export function gridOfConfig(config: SchedulerConfig, name: SchedulerClass): GridOptions {
  if (name === "FlowMatchEulerDiscreteScheduler") return flowGrid(config);
  if (config.use_flow_sigmas === true) return solverFlowGrid(config);
  const later = name !== "DDIMScheduler" && name !== "PNDMScheduler" && name !== "DDPMScheduler"; // their spacing's default is another one
  const plain = read.oneOf(config, "timestep_spacing", later ? "linspace" : "leading", [
    "leading",
    "trailing",
    "linspace",
  ]);
  const stepsOffset = read.number(config, "steps_offset", 0);
  const solver = name === "DPMSolverMultistepScheduler" || name === "UniPCMultistepScheduler";
  const noise = noiseSpacingOf(config);
  if (noise !== undefined) {
    // Euler's noise levels lie between those of its plain spacing, the solvers' between all training timesteps'.
    return { spacing: noise, ...levelEnds(config), ...(solver ? {} : { ends: plain, stepsOffset }) };
  }
  return { spacing: plain, stepsOffset, ...(solver ? { skipLast: true, ...clippedStart(config, name) } : {}) };
}

/** Which of the noise spacings a config asks for. @throws EtalonError BAD_CONFIG: more than one */
export function noiseSpacingOf(config: SchedulerConfig): NoiseSpacing | undefined {
  const names = {
    use_karras_sigmas: "karras",
    use_exponential_sigmas: "exponential",
    use_beta_sigmas: "beta",
    use_lu_lambdas: "exponential", // even steps of log σ: the same
  } as const;
  const on = (Object.keys(names) as (keyof typeof names)[]).filter((key) => read.flag(config, key));
  if (on.length > 1) {
    throw new EtalonError("BAD_CONFIG", { argument: on[1], value: true, allowed: `false beside ${on[0]}` });
  }
  return on.length === 0 ? undefined : names[on[0]];
}

function levelEnds(config: SchedulerConfig): GridOptions {
  const number = (key: string) => (config[key] == null ? undefined : read.number(config, key, 0));
  const [sigmaMin, sigmaMax] = [number("sigma_min"), number("sigma_max")];
  return { ...(sigmaMin === undefined ? {} : { sigmaMin }), ...(sigmaMax === undefined ? {} : { sigmaMax }) };
}

function flowGrid(config: SchedulerConfig): GridOptions {
  const lastTime = 1 / read.number(config, "num_train_timesteps", 1000);
  const dynamic = read.flag(config, "use_dynamic_shifting");
  const type = read.oneOf(config, "time_shift_type", "exponential", ["exponential", "linear"]);
  const terminal = config.shift_terminal == null ? undefined : read.number(config, "shift_terminal", 0);
  const noise = noiseSpacingOf(config);
  // A pipeline that shifts by the number of tokens lays its times evenly itself; the class by itself goes to 1/T.
  const plain = dynamic ? "uniform" : "linspace";
  return {
    ...(noise === undefined ? { spacing: plain } : { spacing: noise, ends: plain }),
    ...(lastTime === 1 / 1000 ? {} : { lastTime }),
    ...(terminal === undefined || terminal === 0 ? {} : { shiftTerminal: terminal }),
    ...(dynamic
      ? {
          dynamicShift: {
            baseTokens: read.number(config, "base_image_seq_len", 256),
            maxTokens: read.number(config, "max_image_seq_len", 4096),
            baseShift: read.number(config, "base_shift", 0.5),
            maxShift: read.number(config, "max_shift", 1.15),
            type,
          },
        }
      : { shift: read.number(config, "shift", 1) }),
  };
}

/** DPM-Solver and UniPC on a flow: n even times from 1 − 1/T, shifted. */
function solverFlowGrid(config: SchedulerConfig): GridOptions {
  if (noiseSpacingOf(config) !== undefined) {
    const allowed = "no other spacing beside use_flow_sigmas";
    throw new EtalonError("BAD_CONFIG", { argument: "use_flow_sigmas", value: true, allowed });
  }
  const shift = read.number(config, "flow_shift", 1);
  return {
    spacing: "uniform",
    shift,
    start: shiftTime(1 - 1 / read.number(config, "num_train_timesteps", 1000), shift),
  };
}

/** DPM-Solver's lambda_min_clipped: the noisiest timestep whose log-SNR is not below it. */
function clippedStart(config: SchedulerConfig, name: SchedulerClass): GridOptions {
  const least = config.lambda_min_clipped;
  if (least === undefined || least === null || least === -Infinity || least === "-Infinity") return {};
  const bound = read.number(config, "lambda_min_clipped", 0);
  check.that(config.timestep_spacing !== "trailing", "UNSUPPORTED", {
    argument: "lambda_min_clipped",
    value: least,
    allowed: "null with timestep_spacing trailing",
  });
  const path = discreteVp(schedulerAlphas(config, name));
  let start = path.noiseTime;
  while (start > 0 && path.at(start).logSnr < bound) start--;
  return start === path.noiseTime ? {} : { start };
}
