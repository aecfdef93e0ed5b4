import { tf } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { initialNoise, plan, sample } from "@etalon/gddim";
import type { Pipeline } from "@etalon/models";
import { logProb } from "@etalon/native";
import { predictionCoefficients } from "@etalon/schedules";
import type { TrainConfig } from "./config/TrainConfig.ts";
import { rollOut, type TrajectoryStep } from "./parts/rollOut.ts";
import { trainingPlan } from "./parts/trainingPlan.ts";

/** What the start-up check measured: worst cases over its samples and steps. */
export interface SelfCheck {
  /** |ratio − 1| of the policy with itself, log-probabilities taken per element: the training path against the rollout. */
  ratio: number;
  /** The same of the ratio as the run takes it, where train.reduction is "sum": the difference is of whole log-probabilities there, rounding and all, and is told, not refused. */
  ratioOfSums?: number;
  /** |η = 0 sampler − ODE written out|, over the scale of the final state. */
  ode: number;
  /** What the rollout keeps its latents in. */
  latents: "float32";
  /** Images an epoch draws. */
  images: number;
  /** The effective batch: images in one update. */
  batch: number;
  /** Optimiser steps an epoch. */
  updates: number;
  /** Of these, steps on the policy that drew the images (the first), and steps after it has moved, where the ratio is not 1. */
  onPolicy: number;
  offPolicy: number;
  /** What the config asks for and the run cannot give in full. */
  notes: string[];
}

const samples = 4;
const ratioTolerance = 1e-6;
const odeTolerance = 1e-4;

/**
 * The checks before the first update: that the training path gives the rollout's log-probabilities back at another batch size (so that the first ratio is 1), that
 * its latents are float32 and not rounded to half precision on the way, and that the sampler at η = 0 is the ODE. The pipeline is left as it was.
 * @param roll  the run's rollout
 * @throws EtalonError SELF_CHECK: which check failed, by how much, and what to do
 */
export async function selfCheck(
  config: TrainConfig,
  pipeline: Pipeline,
  prompts: readonly string[],
  roll: typeof rollOut = rollOut,
): Promise<SelfCheck> {
  const texts = Array.from({ length: samples }, (_, i) => prompts[i % prompts.length]);
  const steps = await stochasticSteps(config, pipeline, texts, roll);
  const half = steps.find(({ next }) => isHalf(next));
  if (half) throw notFloat32(half.step.index);
  const { ratio, ratioOfSums } = ratioErrors(config, pipeline, texts, steps);
  if (!(ratio <= ratioTolerance)) throw failed("the ratio before the first update", ratio, ratioTolerance, "The model gives other outputs in training than in the rollout: look for dropout, for float16 latents, or for outputs that depend on the batch."); // biome-ignore format: one thought
  const ode = await odeError(config, pipeline, texts);
  if (!(ode <= odeTolerance)) throw failed("the sampler at eta 0 against the ODE", ode, odeTolerance, "The path, its prediction type or the guidance do not fit the model."); // biome-ignore format: one thought
  const { promptsPerEpoch, groupSize, bestOf, updatesPerEpoch, innerEpochs } = config.train;
  const updates = updatesPerEpoch * innerEpochs;
  const batch = Math.ceil((promptsPerEpoch * (bestOf ?? groupSize)) / updatesPerEpoch);
  return { ratio, ...(config.train.reduction === "sum" && { ratioOfSums }), ode, latents: "float32", images: promptsPerEpoch * groupSize, batch, updates, onPolicy: 1, offPolicy: updates - 1, notes: notesOf(config, pipeline) }; // biome-ignore format: one thought
}

/** Counts the first epoch's plan: every epoch's has as many stochastic steps. */
function notesOf(config: TrainConfig, { path }: Pipeline): string[] {
  const { trainedSteps } = config.train;
  const there = trainingPlan(config, path, 0).steps.filter(({ stochastic }) => stochastic).length;
  if (trainedSteps === null || trainedSteps <= there) return [];
  return [`train.trainedSteps is ${trainedSteps}, an epoch has ${there} stochastic steps: all are trained on`];
}

/** The check in a sentence or two, for a log. */
export function describeSelfCheck({
  ratio,
  ratioOfSums,
  ode,
  images,
  batch,
  onPolicy,
  offPolicy,
  notes,
}: SelfCheck): string[] {
  const policy = `${onPolicy} update on-policy${offPolicy > 0 ? ` and ${offPolicy} off-policy` : ""}`;
  const sums = ratioOfSums === undefined ? "" : ` an element (${ratioOfSums.toExponential(1)} summed, as train.reduction says)`; // biome-ignore format: one thought
  return [
    `self-check: first ratio off 1 by ${ratio.toExponential(1)}${sums}, eta 0 off the ODE by ${ode.toExponential(1)}, latents float32`,
    `an epoch: ${images} images, ${policy}, ${batch} images an update`,
    ...notes.map((note) => `note: ${note}`),
  ];
}

/** Whether every value has a half-precision mantissa: of float32 numbers that were computed, one in 2^13 looks so. */
function isHalf(values: Float32Array): boolean {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return bits.every((word) => (word & 0x1fff) === 0);
}

const notFloat32 = (step: number) =>
  new EtalonError(
    "SELF_CHECK",
    { argument: "latents", value: "half precision", allowed: "float32" },
    { message: `Self-check: the latents after step ${step} have no more digits than float16; allowed: float32. Half precision moves the ratio by more than a clip of 1e-4: keep latents as they come from \`rollout\`.` }, // biome-ignore format: one thought
  );

const failed = (what: string, off: number, allowed: number, hint: string) =>
  new EtalonError(
    "SELF_CHECK",
    { argument: what, value: off, allowed: `off by at most ${allowed}`, hint },
    { message: `Self-check: ${what} is off by ${off.toExponential(1)}; allowed: at most ${allowed}. ${hint}` },
  );

/** Rolls out all samples at once, every step stochastic. */
async function stochasticSteps(
  config: TrainConfig,
  pipeline: Pipeline,
  prompts: readonly string[],
  roll: typeof rollOut,
): Promise<TrajectoryStep[]> {
  const { guidance } = config.sampler;
  const plan = trainingPlan({ ...config, sampler: { ...config.sampler, window: null } }, pipeline.path, 0);
  const ids = Uint32Array.from(prompts, (_, i) => i);
  return (await roll({ pipeline, plan, prompts, seed: config.seed, ids, guidance })).steps;
}

/** Recomputes every stochastic step one sample at a time through `predict`: |ratio − 1| of log-probabilities an element, and of whole ones. */
function ratioErrors(
  config: TrainConfig,
  pipeline: Pipeline,
  prompts: readonly string[],
  steps: readonly TrajectoryStep[],
): { ratio: number; ratioOfSums: number } {
  const { guidance } = config.sampler;
  const shape = pipeline.latentShape();
  const dim = shape.reduce((a, b) => a * b);
  let worst = 0; // of log-probabilities' differences, whole
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
      if (!(Math.abs(now - logp[i]) <= Math.abs(worst))) worst = now - logp[i];
    }
    cond.dispose();
    uncond.dispose();
  }
  return { ratio: Math.abs(Math.expm1(worst / dim)), ratioOfSums: Math.abs(Math.expm1(worst)) };
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
