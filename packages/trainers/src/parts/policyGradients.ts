import { type NamedTensorMap, type Tensor, tf, type Variable } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import type { Conditioning, Pipeline } from "@etalon/models";
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
}

/** What an update reports: means over images and steps. */
export interface PolicyReport {
  loss: number;
  ratio: { mean: number; max: number };
  clipFraction: number;
  kl: number;
}

/**
 * The gradient of the mean policy objective over some images of a rollout and all the steps it kept, summed up over micro-batches.
 * The log-probabilities of the rollout are the old ones: nothing is computed twice.
 * @param advantages  one an image of the rollout    @param images  which of them count
 * @returns `gradients`: new tensors that the caller disposes, NaN where a model output or a ratio was not finite; the report leaves those out
 */
export function policyGradients(
  options: PolicyOptions,
  rollout: Rollout,
  advantages: Float64Array,
  images: readonly number[],
): { gradients: NamedTensorMap; report: PolicyReport } {
  const sums = new Map<string, Tensor>();
  const tally = { count: 0, loss: 0, ratio: 0, max: 0, clipped: 0, kl: 0 };
  const work = passes(rollout, images, options.microBatch);
  const share = 1 / work.reduce((sum, { part }) => sum + part.length, 0);
  let batch: Batch | undefined;
  try {
    for (const { part, step } of work) {
      if (batch?.part !== part) {
        batch?.dispose();
        batch = takeBatch(options, rollout, part);
      }
      const weight = stepWeight(step.step.map, options);
      const advantage = Float64Array.from(part, (i) => advantages[i]);
      const { gradients, result } = gradientsOfStep(options, batch, { ...takeStep(step, part), advantage, scale: share * weight }); // biome-ignore format: one thought
      accumulate(sums, gradients);
      if (result) add(tally, result, weight);
    }
  } catch (error) {
    for (const sum of sums.values()) sum.dispose();
    throw error;
  } finally {
    batch?.dispose();
  }
  const { count, loss, ratio, max, clipped, kl } = tally;
  return {
    gradients: Object.fromEntries(sums),
    report: { loss: loss / count, ratio: { mean: ratio / count, max }, clipFraction: clipped / count, kl: kl / count },
  };
}

/** The passes through the model: micro-batches of images, each at the steps it is trained on. */
function passes({ steps, trained }: Rollout, images: readonly number[], size: number) {
  const shared = trained === undefined || images.every((i) => trained[i] === trained[images[0]]);
  if (shared) {
    const kept = steps.filter(({ step }) => trained?.[images[0]].has(step.index) ?? true);
    return chunks(images, size).flatMap((part) => kept.map((step) => ({ part, step })));
  }
  return steps.flatMap((step) =>
    chunks(images.filter((i) => trained[i].has(step.step.index)), size).map((part) => ({ part, step })),
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
  return { part, cond, uncond, dispose };
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
): { gradients: NamedTensorMap; result: PolicyOutcome | undefined } {
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
  const names = new Map([...variables].map(([name, variable]) => [variable.name, name]));
  const { value, grads } = tf.variableGrads(
    () => seedPolicy(predict(cond), uncond && predict(uncond), terms, scale, keep).asScalar(),
    [...variables.values()],
  );
  value.dispose();
  const gradients = Object.fromEntries(Object.entries(grads).map(([id, grad]) => [names.get(id) as string, grad]));
  return { gradients, result: result as PolicyOutcome | undefined };
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

function accumulate(sums: Map<string, Tensor>, gradients: NamedTensorMap): void {
  for (const [name, gradient] of Object.entries(gradients)) {
    const before = sums.get(name);
    sums.set(name, before ? before.add(gradient) : gradient);
    if (before) tf.dispose([before, gradient]);
  }
}

function add(
  tally: Record<"count" | "loss" | "ratio" | "max" | "clipped" | "kl", number>,
  { loss, ratio, clipped, kl }: PolicyOutcome,
  weight: number,
): void {
  const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
  tally.count += loss.length;
  tally.loss += weight * sum(loss);
  tally.ratio += sum(ratio);
  tally.max = Math.max(tally.max, ...ratio);
  tally.clipped += sum(clipped);
  tally.kl += sum(kl);
}

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
