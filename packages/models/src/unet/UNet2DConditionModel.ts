import { silu, type Tensor, type Tensor4D, tf } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { Net } from "../nn/Net.ts";
import { NetModel } from "../nn/NetModel.ts";
import { timestepEmbedding } from "./timestepEmbedding.ts";
import { unetBlocks } from "./unetBlocks.ts";
import { type UNetConfig, unetConfig } from "./unetConfig.ts";

/** What the U-Net takes. */
export interface UNetInputs {
  /** Noisy latent, float32 [batch, height, width, in_channels]. */
  sample: Tensor;
  /** Time steps of training, one a sample or one for all: a number, or a tensor [] or [batch]. */
  timestep: Tensor | number;
  /** Encoded text, float32 [batch, tokens, cross_attention_dim]. */
  encoderHiddenStates: Tensor;
  /** Class numbers, [batch], where the config has num_class_embeds: the noise level of an upscaler. */
  classLabels?: Tensor;
}

/** Told of values within the model, by the names that diffusers' modules have. */
export type Observe = (name: string, value: Tensor) => void;

/**
 * The denoiser of Stable Diffusion 1.x and 2.x: diffusers' UNet2DConditionModel (Rombach et al., arXiv:2112.10752), channels last, in float32. It runs as in evaluation:
 * dropout is off.
 */
export class UNet2DConditionModel extends NetModel<object> {
  readonly details: UNetConfig;
  readonly #layers: ReturnType<typeof unetLayers>;

  /** @param config  config.json's fields    @throws EtalonError BAD_CONFIG, OUT_OF_RANGE, UNSUPPORTED: names the option and its value */
  constructor(config: object) {
    const net = new Net();
    super(config, net, { part: "unet", targets: ["to_q", "to_k", "to_v", "to_out.0"] });
    this.details = unetConfig(config);
    this.#layers = unetLayers(net, this.details);
  }

  /** The model's output (what its scheduler's prediction_type says), float32 [batch, height, width, out_channels]. @throws EtalonError BAD_SHAPE */
  forward(inputs: UNetInputs, observe: Observe = () => {}): { sample: Tensor4D } {
    this.#check(inputs);
    return tf.tidy(() => {
      const { sample, encoderHiddenStates } = inputs;
      const batch = sample.shape[0] as number;
      const { levels, flipSinToCos, freqShift, centre } = this.details;
      const layers = this.#layers;
      const wave = timestepEmbedding(perSample("timestep", inputs.timestep, batch), levels[0].channels, flipSinToCos, freqShift); // biome-ignore format: one thought
      let embedding = layers.time(wave);
      if (layers.classes) embedding = embedding.add(layers.classes(Int32Array.from(perSample("classLabels", inputs.classLabels as Tensor, batch)))); // biome-ignore format: one thought
      const begun = layers.convIn(centre ? sample.mul(2).sub(1) : sample);
      for (const [name, value] of Object.entries({ t_emb: wave, temb: embedding, conv_in: begun }))
        observe(name, value);
      const hidden = layers.blocks(begun, silu(embedding), encoderHiddenStates, observe);
      return { sample: layers.end(hidden) as Tensor4D };
    });
  }

  #check({ sample, encoderHiddenStates, classLabels }: UNetInputs): void {
    const { inChannels, levels, classes } = this.details;
    const refuse = (argument: string, value: unknown, allowed: string) => {
      throw new EtalonError("BAD_SHAPE", { argument, value, allowed });
    };
    if (sample.rank !== 4 || sample.shape[3] !== inChannels) refuse("sample", sample.shape, `[batch, height, width, ${inChannels}]`); // biome-ignore format: one thought
    const { contextWidth } = levels[0];
    if (encoderHiddenStates.rank !== 3 || encoderHiddenStates.shape[0] !== sample.shape[0] || encoderHiddenStates.shape[2] !== contextWidth)
      refuse("encoderHiddenStates", encoderHiddenStates.shape, `[${sample.shape[0]}, tokens, ${contextWidth}]`); // biome-ignore format: one thought
    if ((classLabels === undefined) !== (classes === undefined))
      refuse("classLabels", classLabels?.shape, classes === undefined ? "nothing: the config has no num_class_embeds" : "[batch]"); // biome-ignore format: one thought
  }
}

function unetLayers(net: Net, config: UNetConfig) {
  const { inChannels, outChannels, levels, timeWidth, groups, epsilon, classes } = config;
  const [{ channels }] = levels;
  const convIn = net.conv("conv_in", inChannels, channels, config.convIn);
  const [up, down] = [net.linear("time_embedding.linear_1", channels, timeWidth), net.linear("time_embedding.linear_2", timeWidth, timeWidth)]; // biome-ignore format: one thought
  const table = classes === undefined ? undefined : net.table("class_embedding", classes, timeWidth);
  const blocks = unetBlocks(net, config);
  const normOut = net.groupNorm("conv_norm_out", channels, groups, epsilon, true);
  const convOut = net.conv("conv_out", channels, outChannels, config.convOut);
  return {
    convIn,
    time: (wave: Tensor) => down(up(wave, "silu")),
    classes: table,
    blocks,
    end: (x: Tensor) => convOut(normOut(x)),
  };
}

/** One whole or fractional number a sample. */
function perSample(argument: string, given: Tensor | number, batch: number): ArrayLike<number> {
  const values = typeof given === "number" ? [given] : given.dataSync();
  if (values.length === batch) return values;
  if (values.length === 1) return new Array<number>(batch).fill(values[0]);
  throw new EtalonError("BAD_SHAPE", { argument, value: values.length, allowed: `1 or ${batch} values` });
}
