import { type NamedTensorMap, type Tensor, tf, type Variable, variableGradients } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { type Conditioning, chunks, type Pipeline } from "@etalon/models";
import { GradientSum } from "../parallel/GradientSum.ts";
import { addGradients, type Gradients } from "../parallel/GradientTree.ts";
import type { Rollout, TrajectoryStep } from "./rollOut.ts";
import { type PolicyOutcome, seedPolicy } from "./seedPolicy.ts";
import { type StepWeights, stepWeight } from "./stepWeight.ts";

/** What the policy objective is made of. */
export interface PolicyOptions extends StepWeights {
  pipeline: Pipeline;
  /** By the names that gradients get. */
  variables: ReadonlyMap<string, Variable>;
  guidance: number;
  clip: number;
  reduction: "mean" | "sum";
  /** GRPO-Guard's normalised ratio in the densities' place; needs a rollout that kept its noise. */
  ratioNorm?: boolean;
  /** Images in one forward and backward pass. */
  microBatch: number;
  /** Weight of the KL towards the model without its adapter. */
  kl: number;
  /** What sums the micro-batches' gradients up, over ranks too. Default: of this process alone, by the tree. */
  sum?: GradientSum;
}

/** What an update reports: means over images and steps. */
export interface PolicyReport {
  loss: number;
  ratio: { mean: number; max: number };
  clipFraction: number;
  kl: number;
}

/**
 * The gradient of the mean policy objective over some images of a rollout and all the steps it kept, summed up over micro-batches: over a micro-batch's steps in their order, over
 * micro-batches by a tree (docs/parallel.md). The log-probabilities of the rollout are the old ones: nothing is computed twice.
 * @param advantages  one an image of the rollout    @param images  which of them count; those of other ranks come in by `sum`
 * @returns `gradients`: new tensors that the caller disposes, NaN where a model output or a ratio was not finite; the report leaves those out
 */
export async function policyGradients(
  options: PolicyOptions,
  rollout: Rollout,
  advantages: Float64Array,
  images: readonly number[],
): Promise<{ gradients: NamedTensorMap; report: PolicyReport }> {
  const { sum = new GradientSum({ variables: options.variables }) } = options;
  const work = microBatches(rollout, images, options.microBatch);
  const tallies: Tally[] = [];
  try {
    const count = work.reduce((total, { part, steps }) => total + part.length * steps.length, 0);
    const share = 1 / (await sum.begin(work.length, count));
    for (const { part, steps } of work) {
      const advantage = Float64Array.from(part, (i) => advantages[i]);
      const batch = takeBatch(options, rollout, part);
      const tally: Tally = { count: 0, loss: 0, ratio: 0, max: 0, clipped: 0, kl: 0 };
      let gradients: Gradients = new Map();
      try {
        for (const step of steps) {
          const weight = stepWeight(step.step.map, options);
          const of = gradientsOfStep(options, batch, { ...takeStep(step, part), advantage, scale: share * weight });
          gradients = addGradients(gradients, of.gradients);
          if (of.result) add(tally, of.result, weight);
        }
      } catch (error) {
        tf.dispose([...gradients.values()]);
        throw error;
      } finally {
        batch.dispose();
      }
      tallies.push(tally);
      await sum.add(gradients);
    }
    return { gradients: await sum.finish(), report: reportOf(await sum.inOrder(tallies)) };
  } finally {
    sum.dispose();
  }
}

/** Sums over the samples of a micro-batch and its steps; `max` is the largest ratio. */
type Tally = Record<"count" | "loss" | "ratio" | "max" | "clipped" | "kl", number>;

function reportOf(tallies: readonly Tally[]): PolicyReport {
  const sum = (key: keyof Tally) => tallies.reduce((total, tally) => total + tally[key], 0);
  const mean = (key: keyof Tally) => sum(key) / sum("count");
  const max = Math.max(0, ...tallies.map((tally) => tally.max));
  return { loss: mean("loss"), ratio: { mean: mean("ratio"), max }, clipFraction: mean("clipped"), kl: mean("kl") };
}

/** The images that go through the model together, and at which steps: whole trajectories, or, where each image has steps of its own, those that share one. */
function microBatches({ steps, trained }: Rollout, images: readonly number[], size: number) {
  if (images.length === 0) return [];
  const shared = trained === undefined || images.every((i) => trained[i] === trained[images[0]]);
  if (shared) {
    const kept = steps.filter(({ step }) => trained?.[images[0]].has(step.index) ?? true);
    return chunks(images, size).map((part) => ({ part, steps: kept }));
  }
  return steps.flatMap((step) =>
    chunks(images.filter((i) => trained[i].has(step.step.index)), size).map((part) => ({ part, steps: [step] })),
  ); // biome-ignore format: one thought
}

type Batch = ReturnType<typeof takeBatch>;

/** A micro-batch's conditioning, encoded once for all of its steps. */
function takeBatch({ pipeline, guidance }: PolicyOptions, { prompts }: Rollout, part: readonly number[]) {
  const cond = pipeline.encodePrompts(part.map((i) => prompts[i]));
  const uncond = guidance === 1 ? undefined : pipeline.encodePrompts(part.map(() => ""));
  const dispose = () => {
    cond.dispose();
    uncond?.dispose();
  };
  return { cond, uncond, dispose };
}

/** Some images of a step: where they lie in a row, as they lie. */
function takeStep({ step, x, next, logp, z }: TrajectoryStep, part: readonly number[]) {
  const dim = x.length / logp.length;
  const inRow = part.every((i, row) => i === part[0] + row);
  const rows = (values: Float32Array) => {
    if (inRow) return values.subarray(part[0] * dim, (part[0] + part.length) * dim);
    const out = new Float32Array(part.length * dim);
    for (const [row, i] of part.entries()) out.set(values.subarray(i * dim, (i + 1) * dim), row * dim);
    return out;
  };
  return { step, x: rows(x), next: rows(next), z: z && rows(z), oldLogp: Float64Array.from(part, (i) => logp[i]) };
}

function gradientsOfStep(
  { pipeline, variables, guidance, clip, reduction, ratioNorm, kl }: PolicyOptions,
  { cond, uncond }: Batch,
  batch: ReturnType<typeof takeStep> & { advantage: Float64Array; scale: number },
): { gradients: Gradients; result: PolicyOutcome | undefined } {
  const { step, x, next, oldLogp, advantage, scale } = batch;
  const z = ratioNorm ? noiseOf(batch.z) : undefined;
  const shape = [cond.count, ...pipeline.latentShape()];
  const predict = (conditioning: Conditioning) => pipeline.predict(tf.tensor(x, shape), step.t, conditioning);
  const reference = kl === 0 ? undefined : { weight: kl, ...referenceOutputs(pipeline, () => [cond, uncond].map((c) => c && predict(c))) }; // biome-ignore format: one thought
  const terms = { next, x, guidance, map: step.map, oldLogp, advantage, clip, reduction, kl: reference, z };
  let result: PolicyOutcome | undefined; // stays so where something was not finite
  const keep = (value: PolicyOutcome) => {
    result = value;
  };
  const loss = () => seedPolicy(predict(cond), uncond && predict(uncond), terms, scale, keep);
  const { value, gradients } = variableGradients(loss, variables);
  value.dispose();
  return { gradients: new Map(Object.entries(gradients)), result: result as PolicyOutcome | undefined };
}

/** @throws EtalonError UNSUPPORTED: the rollout did not keep it */
function noiseOf(z: Float32Array | undefined): Float32Array {
  if (z !== undefined) return z;
  throw new EtalonError("UNSUPPORTED", { argument: "ratioNorm", value: true, allowed: "false, or a rollout that kept its noise (keepNoise)" }); // biome-ignore format: one thought
}

/** The outputs of the model without its adapter. */
function referenceOutputs(pipeline: Pipeline, outputs: () => (Tensor | undefined)[]) {
  pipeline.model.setAdapterEnabled(false);
  try {
    const tensors = tf.tidy(() => outputs().filter((tensor) => tensor !== undefined));
    const [cond, uncond] = tensors.map((tensor) => tensor.dataSync<"float32">().slice());
    tf.dispose(tensors);
    return { cond, uncond };
  } finally {
    pipeline.model.setAdapterEnabled(true);
  }
}

function add(tally: Tally, { loss, ratio, clipped, kl }: PolicyOutcome, weight: number): void {
  const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
  tally.count += loss.length;
  tally.loss += weight * sum(loss);
  tally.ratio += sum(ratio);
  tally.max = Math.max(tally.max, ...ratio);
  tally.clipped += sum(clipped);
  tally.kl += sum(kl);
}
