import { AdamW, clipFactor, Ema, type NamedTensorMap, type Tensor4D, tf, variableGradients } from "@etalon/engine";
import { check, EtalonError } from "@etalon/errors";
import { trainingCaption } from "../emoji/captions.ts";
import { drawWeight } from "../emoji/drawWeight.ts";
import type { EmojiData } from "../emoji/loadEmoji.ts";
import { Random } from "../random.ts";
import { type Stage, stageAt } from "./curriculum.ts";
import type { TinyTokenizer } from "./TinyTokenizer.ts";
import type { TinyTransformer2DModel } from "./TinyTransformer2DModel.ts";

/** Hyper-parameters of pre-training. */
export interface PretrainOptions {
  /** Updates in all; the learning rate follows a cosine to zero over them. */
  steps: number;
  batch: number;
  /** Peak learning rate, reached after `warmup` updates. */
  learningRate: number;
  warmup: number;
  /** Share of the old weights that the moving average keeps an update. */
  emaDecay: number;
  seed: number;
}

export const pretrainDefaults: PretrainOptions = {
  steps: 16_000,
  batch: 64,
  learningRate: 1e-3,
  warmup: 200,
  emaDecay: 0.9995,
  seed: 0,
};

/** The state of a pre-training, owned by the caller: what a checkpoint must hold. */
export interface PretrainState {
  model: TinyTransformer2DModel;
  optimiser: AdamW;
  ema: Ema;
  /** Updates done. */
  step: number;
}

export const pretrainState = (
  model: TinyTransformer2DModel,
  { learningRate, emaDecay }: PretrainOptions,
): PretrainState => ({
  model,
  optimiser: new AdamW(model.parameters.variables, { learningRate, beta1: 0.9, beta2: 0.99, weightDecay: 0.01 }),
  ema: new Ema(model.parameters.variables, emaDecay),
  step: 0,
});

/**
 * One update of flow matching: predicts x0 from x_t = (1 − t) x0 + t ε and weights the squared error by 1/max(t, 0.1)², so that it is the error of the
 * velocity. The draws of a step depend on (seed, step) only, so a resumed run repeats an uninterrupted one.
 * @returns the loss, a mean over pixels    @throws EtalonError NOT_FINITE: the loss is NaN or infinite; the state is as before
 */
export function pretrainStep(
  state: PretrainState,
  data: EmojiData,
  tokenizer: TinyTokenizer,
  options: PretrainOptions,
): number {
  const { model, optimiser, ema } = state;
  const { sample_size: size, in_channels: channels } = model.config;
  const dim = size * size * channels;
  const draw = drawBatch(data, tokenizer, options, state.step, dim);
  let gradients: NamedTensorMap = {};
  const loss = tf.tidy(() => {
    const shape: [number, number, number, number] = [options.batch, size, size, channels];
    const [x0, xt] = [tf.tensor(draw.x0, shape), tf.tensor(draw.xt, shape) as Tensor4D];
    const [timestep, weight] = [tf.tensor1d(draw.t), tf.tensor4d(draw.weight, [options.batch, 1, 1, 1])];
    const result = variableGradients(() => {
      const { sample } = model.forward({ hiddenStates: xt, timestep, ...model.embedWords(draw.ids) });
      return sample.sub(x0).mul(weight).square().mean().asScalar();
    }, model.parameters.variables);
    gradients = result.gradients;
    for (const gradient of Object.values(gradients)) tf.keep(gradient); // past the tidy
    return result.value.dataSync()[0];
  });
  try {
    if (!Number.isFinite(loss))
      throw new EtalonError("NOT_FINITE", {
        argument: "loss",
        value: loss,
        allowed: "a finite number",
        hint: "Lower the learning rate.",
      });
    optimiser.step(gradients, learningRateAt(state.step, options), clipFactor(gradients, 1).factor);
  } finally {
    tf.dispose(gradients);
  }
  state.step += 1;
  ema.step(state.step);
  return loss;
}

/** Linear warm-up, then a cosine to zero. */
export function learningRateAt(step: number, { learningRate, warmup, steps }: PretrainOptions): number {
  check.range("step", step, { min: 0 });
  const up = Math.min(1, (step + 1) / warmup);
  return learningRate * up * 0.5 * (1 + Math.cos(Math.PI * Math.min(1, step / steps)));
}

function drawBatch(
  data: EmojiData,
  tokenizer: TinyTokenizer,
  { batch, seed, steps }: PretrainOptions,
  step: number,
  dim: number,
) {
  const random = new Random(seed, step);
  const { listed, times } = stageAt(step, steps);
  const cumulative = cumulativeWeights(data, listed);
  const [x0, xt, t, weight] = [
    new Float32Array(batch * dim),
    new Float32Array(batch * dim),
    new Float32Array(batch),
    new Float32Array(batch),
  ];
  const ids = new Int32Array(batch * tokenizer.length);
  for (let i = 0; i < batch; i++) {
    const index = drawEntry(cumulative, random);
    const image = data.images.subarray(index * dim, (index + 1) * dim);
    ids.set(tokenizer.encode(trainingCaption(data.entries[index], random)), i * tokenizer.length);
    t[i] = drawTime(random, times);
    weight[i] = 1 / Math.max(t[i], 0.1);
    x0.set(image, i * dim);
    for (let j = 0; j < dim; j++) xt[i * dim + j] = (1 - t[i]) * image[j] + t[i] * random.normal();
  }
  return { x0, xt, t, weight, ids };
}

function drawTime(random: Random, { noise, uniform, mean }: Stage["times"]): number {
  const kind = random.uniform();
  if (kind < noise) return 1;
  if (kind < noise + uniform) return random.uniform();
  return 1 / (1 + Math.exp(-(mean + random.normal())));
}

const sums = new WeakMap<EmojiData, { listed: number; cumulative: Float64Array }>();

function cumulativeWeights(data: EmojiData, listed: number): Float64Array {
  const known = sums.get(data);
  if (known && known.listed === listed) return known.cumulative;
  let sum = 0;
  const cumulative = Float64Array.from(data.entries, (entry) => {
    sum += drawWeight(entry, listed);
    return sum;
  });
  sums.set(data, { listed, cumulative });
  return cumulative;
}

/** The first entry whose cumulative weight is above a uniform draw. */
function drawEntry(cumulative: Float64Array, random: Random): number {
  const target = random.uniform() * cumulative[cumulative.length - 1];
  let [low, high] = [0, cumulative.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle] > target) high = middle;
    else low = middle + 1;
  }
  return low;
}
