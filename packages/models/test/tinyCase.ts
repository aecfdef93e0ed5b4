import { type Tensor, tf } from "@etalon/engine";
import { Random } from "../src/random.ts";
import { parameterSpecs, type TinyConfig } from "../src/tiny/config.ts";
import type { TinyModel } from "../src/tiny/TinyModel.ts";
import { TinyTransformer2DModel } from "../src/tiny/TinyTransformer2DModel.ts";

/** A transformer small enough for finite differences, with every kind of block. */
export const smallConfig: TinyConfig = {
  _class_name: "TinyTransformer2DModel",
  sample_size: 8,
  in_channels: 3,
  patch_size: 4,
  num_layers: 1,
  num_single_layers: 2,
  num_attention_heads: 2,
  attention_head_dim: 8,
  mlp_ratio: 2,
  word_dim: 6,
  vocab_size: 11,
  max_words: 3,
  time_dim: 8,
};

const smallBatch = 3;
const smallDim = 8 * 8 * 3;

/** Uniform draws only, which are the same bits on every machine. */
export const uniform = (length: number, scale: number, random: Random): Float32Array =>
  new Float32Array(length).map(() => scale * (2 * random.uniform() - 1));

/** The small model with all parameters drawn, none zero. */
export function smallModel(seed = 1): TinyTransformer2DModel {
  const model = new TinyTransformer2DModel(smallConfig);
  for (const [i, spec] of parameterSpecs(smallConfig).entries()) {
    const size = spec.shape.reduce((a, b) => a * b, 1);
    model.parameters.add(spec, uniform(size, spec.shape.length === 2 ? 0.4 : 0.1, new Random(seed, i)));
  }
  return model;
}

/** Its inputs: three samples at three times, with one, two and three words. The caller disposes them, or calls within a tidy. */
export function smallInputs(model: TinyTransformer2DModel) {
  const hiddenStates = tf.tensor4d(uniform(smallBatch * smallDim, 1.5, new Random(2)), [smallBatch, 8, 8, 3]);
  const timestep = tf.tensor1d([0.98, 0.5, 0.0625]);
  const ids = Int32Array.of(1, 0, 0, 4, 7, 0, 10, 2, 3);
  return { hiddenStates, timestep, ...model.embedWords(ids) };
}

/** sum(output · weight), a loss whose gradient with respect to the output is `weight`. */
export function smallLoss(model: TinyTransformer2DModel): Tensor {
  const weight = tf.tensor4d(uniform(smallBatch * smallDim, 1, new Random(3)), [smallBatch, 8, 8, 3]);
  return model.forward(smallInputs(model)).sample.mul(weight).sum();
}

/** Output and gradients by parameter name, laid out as in a weight file. */
export function smallResults(model: TinyTransformer2DModel): Map<string, { shape: number[]; data: Float32Array }> {
  const results = new Map<string, { shape: number[]; data: Float32Array }>();
  tf.tidy(() => {
    const { sample } = model.forward(smallInputs(model));
    results.set("sample", { shape: sample.shape, data: sample.dataSync<"float32">().slice() });
    const { variables } = model.parameters;
    const { grads } = tf.variableGrads(() => smallLoss(model).asScalar(), [...variables.values()]);
    for (const [name, variable] of variables) {
      results.set(`grad.${name}`, model.parameters.values(name, grads[variable.name]));
    }
  });
  return results;
}

/** A model's prediction for the small inputs, adapter included. */
export function predictSmall(model: TinyModel): Float32Array {
  return tf.tidy(() => model.transformer.forward(smallInputs(model.transformer)).sample.dataSync<"float32">().slice());
}
