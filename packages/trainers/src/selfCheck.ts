import { tf } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { initialNoise, plan, sample } from "@etalon/gddim";
import type { Pipeline } from "@etalon/models";
import { logProb } from "@etalon/native";
import { predictionCoefficients } from "@etalon/schedules";
import type { TrainConfig } from "./config/TrainConfig.ts";
import { rollOut } from "./parts/rollOut.ts";
import { trainingPlan } from "./parts/trainingPlan.ts";

/** What the start-up check measured: worst cases over its samples and steps. */
export interface SelfCheck {
  /** |ratio − 1| of the policy with itself, log-probabilities taken per element: the training path against the rollout. */
  ratio: number;
  /** |η = 0 sampler − ODE written out|, over the scale of the final state. */
  ode: number;
  images: number;
  /** Optimiser steps an epoch; 1 is on-policy. */
  updates: number;
}

const samples = 4;
const ratioTolerance = 1e-6;
const odeTolerance = 1e-4;

/**
 * The checks before the first update: that the training path gives the rollout's log-probabilities back at another batch size (so that the first ratio is 1), and that
 * the sampler at η = 0 is the ODE. The pipeline is left as it was.
 * @throws EtalonError SELF_CHECK: which check failed, by how much, and what to do
 */
export async function selfCheck(
  config: TrainConfig,
  pipeline: Pipeline,
  prompts: readonly string[],
): Promise<SelfCheck> {
  const texts = Array.from({ length: samples }, (_, i) => prompts[i % prompts.length]);
  const ratio = await ratioError(config, pipeline, texts);
  if (!(ratio <= ratioTolerance)) throw failed("the ratio before the first update", ratio, ratioTolerance, "The model gives other outputs in training than in the rollout: look for dropout, for float16 latents, or for outputs that depend on the batch."); // biome-ignore format: one thought
  const ode = await odeError(config, pipeline, texts);
  if (!(ode <= odeTolerance)) throw failed("the sampler at eta 0 against the ODE", ode, odeTolerance, "The path, its prediction type or the guidance do not fit the model."); // biome-ignore format: one thought
  const { promptsPerEpoch, groupSize, updatesPerEpoch, innerEpochs } = config.train;
  return { ratio, ode, images: promptsPerEpoch * groupSize, updates: updatesPerEpoch * innerEpochs };
}

const failed = (what: string, off: number, allowed: number, hint: string) =>
  new EtalonError(
    "SELF_CHECK",
    { argument: what, value: off, allowed: `off by at most ${allowed}`, hint },
    { message: `Self-check: ${what} is off by ${off.toExponential(1)}; allowed: at most ${allowed}. ${hint}` },
  );

/** Rolls out all samples at once, then recomputes every stochastic step one sample at a time through `predict`. */
async function ratioError(config: TrainConfig, pipeline: Pipeline, prompts: readonly string[]): Promise<number> {
  const { guidance } = config.sampler;
  const whole = trainingPlan({ ...config, sampler: { ...config.sampler, window: null } }, pipeline.path, 0);
  const ids = Uint32Array.from(prompts, (_, i) => i);
  const { steps } = await rollOut({ pipeline, plan: whole, prompts, seed: config.seed, ids, guidance });
  const shape = pipeline.latentShape();
  const dim = shape.reduce((a, b) => a * b);
  let worst = 0;
  for (const [i, prompt] of prompts.entries()) {
    const [cond, uncond] = [pipeline.encodePrompts([prompt]), pipeline.encodePrompts([""])];
    for (const { step, x, next, logp } of steps) {
      const row = (values: Float32Array) => values.slice(i * dim, (i + 1) * dim);
      const output = (conditioning: typeof cond) => {
        const tensor = tf.tidy(() => pipeline.predict(tf.tensor(row(x), [1, ...shape]), step.t, conditioning));
        const values = tensor.dataSync<"float32">().slice();
        tf.dispose(tensor);
        return values;
      };
      const passes = { cond: output(cond), uncond: guidance === 1 ? undefined : output(uncond) };
      const [now] = logProb({ next: row(next), x: row(x), ...passes, guidance, map: step.map, dim });
      worst = Math.max(worst, Math.abs(Math.expm1((now - logp[i]) / dim)));
    }
    cond.dispose();
    uncond.dispose();
  }
  return worst;
}

/** Runs the plan at η = 0, and beside it x_s = α_s x̂0 + σ_s ε̂ written out in float64. */
async function odeError(
  { sampler, seed }: TrainConfig,
  pipeline: Pipeline,
  prompts: readonly string[],
): Promise<number> {
  const { steps, rule, start, shift, guidance } = sampler;
  const { path } = pipeline;
  const shape = pipeline.latentShape();
  const still = plan({ path, steps, rule, start, shift, eta: 0 });
  const denoiser = pipeline.denoiser(prompts, { guidance });
  try {
    const end = await sample({ denoiser, plan: still, shape, seed, samples: prompts.length, guidance }).run();
    const dim = shape.reduce((a, b) => a * b);
    let x = Float64Array.from(initialNoise({ seed, samples: prompts.length, dim, std: still.initialStd }));
    for (const { t, s } of still.steps) {
      const output = await denoiser(Float32Array.from(x), t);
      const { x0, eps } = predictionCoefficients(path.prediction, path.at(t));
      const { alpha, sigma } = path.at(s);
      x = x.map((value, i) => {
        const o = output instanceof Float32Array ? output[i] : output.uncond[i] + guidance * (output.cond[i] - output.uncond[i]); // biome-ignore format: one thought
        return alpha * (x0.x * value + x0.o * o) + sigma * (eps.x * value + eps.o * o);
      });
    }
    const scale = Math.max(1, ...x.map(Math.abs));
    return x.reduce((worst, value, i) => Math.max(worst, Math.abs(value - end[i])), 0) / scale;
  } finally {
    denoiser.dispose();
  }
}
