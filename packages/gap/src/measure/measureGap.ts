import { check, EtalonError } from "@etalon/errors";
import { plan, type Rule } from "@etalon/gddim";
import { loadPipeline, loadPrompts, type Pipeline } from "@etalon/models";
import { loadReward, type Reward } from "@etalon/rewards";
import type { OnProgress } from "../Progress.ts";
import { type Summary, summarise } from "../statistics/summarise.ts";
import { sampleRewards } from "./sampleRewards.ts";

/** What is measured, and how finely. */
export interface MeasureGapOptions {
  /** A loaded pipeline, which stays the caller's … */
  pipeline?: Pipeline;
  /** … or the name or folder of one, loaded here and freed at the end. Default "tiny". */
  model?: string;
  /** Folder or file of a trained adapter. With `pipeline` it stays loaded. */
  adapter?: string;
  /** A reward, or the name of one. */
  reward: Reward | string;
  /** Prompts, or the name or file of a list. Sample i has prompt i modulo their number. */
  prompts: readonly string[] | string;
  /** Noise level > 0 of the SDE, in the units of `rule`. */
  eta: number;
  /** Steps of both samplers. Default: the pipeline's. */
  steps?: number;
  /** Pairs of pictures. Default 256. */
  n?: number;
  /** Weight of classifier-free guidance. Default: the pipeline's. */
  guidance?: number;
  seed?: bigint | number;
  /** Formula of the SDE's steps. Default "gddim". */
  rule?: Rule;
  /** Time of the first step. Default: the path's own. */
  start?: number;
  /** Time shift of the grid, of both samplers. Default: the path's own. */
  shift?: number;
  /** Pictures that go through the model at once. Default 32. */
  batch?: number;
  signal?: AbortSignal;
  onProgress?: OnProgress;
}

/** A measurement: what `etalon gap --json` prints, and a line of gap.jsonl. */
export interface GapMeasurement {
  eta: number;
  steps: number;
  guidance: number;
  n: number;
  reward: string;
  sde: Summary;
  ode: Summary;
  /** sde − ode, paired by prompt, seed and x_T: its standard error is that of the differences. */
  gap: Summary;
}

/** A measurement with the values it comes from, one a pair. */
export interface MeasuredGap {
  line: GapMeasurement;
  samples: { prompts: string[]; sde: Float64Array; ode: Float64Array };
}

/**
 * Measures the reward gap of a model between the SDE at eta and the ODE: the same prompts, and for each pair the same x_T.   docs/math.md §6
 * @throws EtalonError OUT_OF_RANGE: eta not above 0, and other arguments; BAD_REWARD; NOT_FOUND: model, adapter, reward, prompt list; ABORTED: `signal`
 */
export async function measureGap(options: MeasureGapOptions): Promise<MeasuredGap> {
  const { eta, n = 256, seed = 0, rule = "gddim", start, shift, batch, signal, onProgress } = options;
  check.range("eta", eta, { above: 0 }, "0 is the ODE, which it is compared with.");
  check.count("n", n);
  if (options.pipeline && options.model !== undefined)
    throw new EtalonError("OUT_OF_RANGE", {
      argument: "model",
      value: options.model,
      allowed: "nothing beside pipeline",
    });
  const prompts = typeof options.prompts === "string" ? loadPrompts(options.prompts) : options.prompts;
  const reward = typeof options.reward === "string" ? await loadReward(options.reward) : options.reward;
  const pipeline = options.pipeline ?? (await loadPipeline(options.model ?? "tiny"));
  try {
    if (options.adapter !== undefined) pipeline.model.loadAdapter(options.adapter);
    const { steps = pipeline.defaults.steps, guidance = pipeline.defaults.guidance } = options;
    const pass = async (noise: number, stage: string) => {
      const steps_ = plan({ path: pipeline.path, steps, eta: noise, rule, start, shift });
      const progress = onProgress && ((p: { done: number; total: number }) => onProgress({ ...p, stage }));
      const common = { pipeline, reward, prompts, n, guidance, seed, batch, signal };
      return (await sampleRewards({ ...common, plan: steps_, onProgress: progress })).rewards;
    };
    const sde = await pass(eta, "SDE samples");
    const ode = await pass(0, "ODE samples");
    const names = Array.from(sde, (_, i) => prompts[i % prompts.length]);
    const paired = { sde: summarise(sde), ode: summarise(ode), gap: summarise(sde.map((r, i) => r - ode[i])) };
    return {
      line: { eta, steps, guidance, n, reward: reward.name, ...paired },
      samples: { prompts: names, sde, ode },
    };
  } finally {
    if (!options.pipeline) pipeline.dispose();
    if (typeof options.reward === "string") reward.dispose?.();
  }
}
