import { type Tensor, type Tensor4D, tf } from "@etalon/engine";
import { check, EtalonError } from "@etalon/errors";
import { Net } from "../nn/Net.ts";
import { NetModel } from "../nn/NetModel.ts";
import { type Tiling, tiledDecode } from "./tiledDecode.ts";
import { decoder, encoder } from "./vaeBlocks.ts";
import { type VaeConfig, vaeConfig } from "./vaeConfig.ts";

/** How much is decoded at once. */
export interface DecodeOptions {
  /** Samples that are decoded together; default all. 1 is what diffusers calls slicing. */
  slice?: number;
  /** Decodes large latents in overlapping squares whose seams are blended; `true` is squares of sample_size with a quarter of overlap. Default false. */
  tiles?: boolean | Tiling;
}

/**
 * The autoencoder between pixels and latents: diffusers' AutoencoderKL, channels last, in float32. Latents are the model's own: `scaling_factor` and `shift_factor` are the
 * pipeline's business.
 */
export class AutoencoderKL extends NetModel<object> {
  readonly details: VaeConfig;
  readonly #encode: (x: Tensor) => Tensor;
  readonly #decode: (x: Tensor) => Tensor;

  /** @param config  config.json's fields    @throws EtalonError BAD_CONFIG, OUT_OF_RANGE, UNSUPPORTED: names the option and its value */
  constructor(config: object) {
    const net = new Net();
    super(config, net, { part: "vae", targets: ["to_q", "to_k", "to_v", "to_out.0"], aliases: olderNames });
    this.details = vaeConfig(config);
    const { latentChannels, quantConv, postQuantConv } = this.details;
    const encode = encoder(net, this.details);
    const decode = decoder(net, this.details);
    const quant = quantConv ? net.conv("quant_conv", 2 * latentChannels, 2 * latentChannels, 1) : undefined;
    const postQuant = postQuantConv ? net.conv("post_quant_conv", latentChannels, latentChannels, 1) : undefined;
    this.#encode = (x) => (quant ? quant(encode(x)) : encode(x));
    this.#decode = (x) => decode(postQuant ? postQuant(x) : x);
  }

  /** Pixels a latent pixel stands for, along each axis. */
  get factor(): number {
    return 2 ** (this.details.channels.length - 1);
  }

  /** As `decode`: what the contract of loadModel calls a model's forward. */
  forward(inputs: { latent: Tensor }, options?: DecodeOptions): { image: Tensor4D } {
    return this.decode(inputs, options);
  }

  /**
   * The Gaussian of an image's latent.
   * @param image  float32 [batch, height, width, in_channels] in [−1, 1], height and width multiples of `factor`
   * @returns mean and standard deviation (log-variances cut to [−30, 20]), float32 [batch, height/factor, width/factor, latent_channels]    @throws EtalonError BAD_SHAPE
   */
  encode({ image }: { image: Tensor }): { mean: Tensor4D; std: Tensor4D } {
    const { inChannels, latentChannels } = this.details;
    this.#check("image", image, inChannels, this.factor);
    return tf.tidy(() => {
      const [mean, logVariance] = tf.split(this.#encode(image), [latentChannels, latentChannels], 3);
      return { mean: mean as Tensor4D, std: logVariance.clipByValue(-30, 20).mul(0.5).exp() as Tensor4D };
    });
  }

  /** @param latent  float32 [batch, height, width, latent_channels]    @returns pixels near [−1, 1], float32 [batch, factor·height, factor·width, out_channels]    @throws EtalonError BAD_SHAPE, OUT_OF_RANGE */
  decode({ latent }: { latent: Tensor }, { slice, tiles = false }: DecodeOptions = {}): { image: Tensor4D } {
    this.#check("latent", latent, this.details.latentChannels, 1);
    const at = check.count("slice", slice ?? latent.shape[0]);
    const one = (part: Tensor): Tensor => {
      if (tiles === false) return this.#decode(part);
      const side = Math.max(1, Math.floor(this.details.sampleSize / this.factor));
      return tiledDecode(part, (tile) => this.#decode(tile), this.factor, tiles === true ? { size: side, overlap: 0.25 } : tiles); // biome-ignore format: one thought
    };
    return tf.tidy(() => {
      const batch = latent.shape[0] as number;
      if (batch <= at) return { image: one(latent) as Tensor4D };
      const parts = Array.from({ length: Math.ceil(batch / at) }, (_, i) =>
        tf.tidy(() => one(latent.slice([i * at], [Math.min(at, batch - i * at)]))),
      );
      return { image: tf.concat(parts, 0) as Tensor4D };
    });
  }

  #check(argument: string, x: Tensor, channels: number, multiple: number): void {
    const [, height, width, last] = x.shape as number[];
    if (x.rank === 4 && last === channels && height % multiple === 0 && width % multiple === 0) return;
    const sizes = multiple === 1 ? "height, width" : `height and width multiples of ${multiple}`;
    throw new EtalonError("BAD_SHAPE", { argument, value: x.shape, allowed: `[batch, ${sizes}, ${channels}]` });
  }
}

/** The names that attention had in files written before diffusers 0.15. */
function olderNames(name: string): string[] {
  const older = name
    .replace(/\.to_q\./, ".query.")
    .replace(/\.to_k\./, ".key.")
    .replace(/\.to_v\./, ".value.")
    .replace(/\.to_out\.0\./, ".proj_attn.");
  return older === name ? [] : [older];
}
