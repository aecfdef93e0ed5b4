import { currentEngine, type Tensor, type Tensor2D, tf } from "@etalon/engine";
import { check, EtalonError } from "@etalon/errors";
import { type Path, pathFromDiffusers, type SchedulerConfig } from "@etalon/schedules";
import type { CLIPTextModel } from "../clip/CLIPTextModel.ts";
import type { ImageBatch } from "../images/ImageBatch.ts";
import { writePixels } from "../images/writePixels.ts";
import type { Conditioning, DenoiserOptions, Pipeline, PromptDenoiser } from "../Pipeline.ts";
import type { UNet2DConditionModel } from "../unet/UNet2DConditionModel.ts";
import { updateMemory } from "../unet/updateMemory.ts";
import type { AutoencoderKL } from "../vae/AutoencoderKL.ts";
import { DiffusionModel } from "./DiffusionModel.ts";
import type { PromptTokenizer } from "./PromptTokenizer.ts";
import { checkBatch, checkFinite, checkPrompts, promptDenoiser } from "./promptDenoiser.ts";
import { type PipelineFiles, savePipeline } from "./savePipeline.ts";

/** What a Stable Diffusion pipeline is made of. */
export interface StableDiffusionParts {
  unet: UNet2DConditionModel;
  vae: AutoencoderKL;
  textEncoder: CLIPTextModel;
  tokenizer: PromptTokenizer;
  /** scheduler_config.json's fields. */
  scheduler: SchedulerConfig;
}

/** Samples that go through the U-Net at once, unless told otherwise. */
const defaultBatch = 4;

/** Latents above so many pixels along a side are decoded in tiles: the attention over all pixels would take too long. */
const tilesAbove = 128;

/** Stable Diffusion 1.x and 2.x (arXiv:2112.10752): CLIP's text encoder → U-Net over latents → autoencoder, on the path of its scheduler's config. */
export class StableDiffusionPipeline implements Pipeline {
  readonly name: string;
  readonly notes: readonly string[];
  readonly path: Path;
  readonly defaults = { steps: 50, guidance: 7.5 };
  readonly model: DiffusionModel;
  readonly vae: AutoencoderKL;
  readonly tokenizer: PromptTokenizer;
  readonly files: PipelineFiles;
  /** Encoded prompts that were asked for before: a group's prompts are one. */
  readonly #encoded = new Map<string, Tensor>();

  /** @param files  where the pipeline came from: what `save` copies @throws EtalonError BAD_CONFIG: parts that do not fit each other */
  constructor(name: string, parts: StableDiffusionParts, files: PipelineFiles, notes: readonly string[] = []) {
    this.name = name;
    this.notes = notes;
    this.path = pathFromDiffusers(parts.scheduler);
    this.model = new DiffusionModel(parts.unet, parts.textEncoder, () => this.#forget());
    this.vae = parts.vae;
    this.tokenizer = parts.tokenizer;
    this.files = files;
    checkParts(parts);
  }

  /** @param height, width  pixels, multiples of the autoencoder's factor; default the size that the U-Net was trained at */
  latentShape(height?: number, width?: number): number[] {
    const { inChannels, sampleSize = [64, 64] } = this.model.unet.details;
    const { factor } = this.vae;
    const sides = [height ?? sampleSize[0] * factor, width ?? (height === undefined ? sampleSize[1] * factor : height)];
    const odd = sides.find((side) => !(Number.isSafeInteger(side) && side > 0 && side % factor === 0));
    if (odd !== undefined) throw new EtalonError("OUT_OF_RANGE", { argument: "size", value: sides, allowed: `multiples of ${factor} pixels` }); // biome-ignore format: one thought
    return [...sides.map((side) => side / factor), inChannels];
  }

  encodePrompts(prompts: readonly string[]): Conditioning {
    checkPrompts(prompts);
    const unknown = [...new Set(prompts)].filter((prompt) => !this.#encoded.has(prompt));
    if (this.#encoded.size + unknown.length > mostEncoded) this.#forget();
    for (const prompt of new Set(prompts)) if (!this.#encoded.has(prompt)) this.#encoded.set(prompt, this.#encode(prompt));
    const text = tf.tidy(() => tf.stack(prompts.map((prompt) => this.#encoded.get(prompt) as Tensor)));
    return { count: prompts.length, tensors: { text }, dispose: () => text.dispose() };
  } // biome-ignore format: long lines

  predict(x: Tensor, t: number, { tensors, count }: Conditioning): Tensor {
    checkBatch(x, count);
    const wrap = this.path.precondition?.(t);
    const { sample } = this.model.unet.forward({
      sample: wrap ? x.mul(wrap.in) : x,
      timestep: wrap?.time ?? t,
      encoderHiddenStates: tensors.text,
    });
    return wrap ? x.mul(wrap.skip).add(sample.mul(wrap.out)) : sample;
  }

  denoiser(prompts: readonly string[], options: DenoiserOptions = {}): PromptDenoiser {
    return promptDenoiser(this, prompts, { ...options, batch: options.batch ?? defaultBatch });
  }

  /** Pixels of latents, a picture at a time. @param shape  of one latent; default that of `latentShape()` */
  decode(latents: Float32Array, count: number, shape: readonly number[] = this.latentShape()): ImageBatch {
    const [rows, columns, channels] = shape;
    const dim = rows * columns * channels;
    check.length("latents", latents, count * dim);
    checkFinite("latents", latents);
    const { scalingFactor, shiftFactor } = this.vae.details;
    const [height, width] = [rows * this.vae.factor, columns * this.vae.factor];
    const data = new Uint8Array(count * height * width * 3);
    for (let i = 0; i < count; i++) {
      const image = tf.tidy(() => {
        const latent = tf.tensor(latents.subarray(i * dim, (i + 1) * dim), [1, rows, columns, channels]);
        return this.vae.decode({ latent: latent.div(scalingFactor).add(shiftFactor) }, { tiles: Math.max(rows, columns) > tilesAbove }).image; // biome-ignore format: one thought
      });
      const pixels = image.dataSync<"float32">();
      image.dispose();
      writePixels(pixels, data, i * pixels.length);
    }
    return { data, count, width, height };
  }

  /** The U-Net's update as `updateMemory` predicts it, with the text encoder's and the autoencoder's weights at rest. */
  updateBytes({ batch, guidance }: { batch: number; guidance: number }): number {
    const { unet, textEncoder } = this.model;
    const [height, width] = this.latentShape();
    const own = [...unet.net.parameters.variables.values()].filter(({ trainable }) => trainable);
    const adapters = (unet.net.adapters?.variables ?? []).flatMap(([, variable]) => (variable.trainable ? [variable] : [])); // biome-ignore format: one thought
    const trained = [...own, ...adapters].reduce((sum, { size }) => sum + size, 0);
    const { bytes } = unet.net.parameters;
    const passes = guidance === 1 ? batch : 2 * batch;
    const { total } = updateMemory(unet.details, { batch: passes, height, width, weights: bytes, trained, adapter: own.length === 0, checkpointing: unet.net.checkpointing, fused: currentEngine()?.fused ?? false }); // biome-ignore format: one thought
    return total + textEncoder.net.parameters.bytes + this.vae.net.parameters.bytes;
  }

  /** None: every text has tokens. */
  unknownWords(): string[] {
    return [];
  }

  save(folder: string, dtype: "F32" | "F16" = "F32"): void {
    const { unet, textEncoder } = this.model;
    savePipeline(folder, { unet, text_encoder: textEncoder, vae: this.vae }, this.files, dtype);
  }

  dispose(): void {
    this.#forget();
    this.model.dispose();
    this.vae.dispose();
  }

  #encode(prompt: string): Tensor {
    return tf.tidy(() => {
      const ids = tf.tensor2d(this.tokenizer.encode(prompt), [1, this.tokenizer.length], "int32") as Tensor2D;
      return this.model.textEncoder.forward({ inputIds: ids }).lastHiddenState.squeeze([0]);
    });
  }

  #forget(): void {
    for (const tensor of this.#encoded.values()) tensor.dispose();
    this.#encoded.clear();
  }
}

/** Encoded prompts that are kept: 1024 of Stable Diffusion 1.5's take 240 MB. */
const mostEncoded = 1024;

function checkParts({ unet, vae, textEncoder, tokenizer }: StableDiffusionParts): void {
  const fit = (argument: string, value: number, allowed: number, whose: string) => {
    if (value !== allowed) throw new EtalonError("BAD_CONFIG", { argument, value, allowed: `${allowed}, as ${whose}` });
  };
  const { inChannels, outChannels, levels } = unet.details;
  fit("in_channels of the U-Net", inChannels, vae.details.latentChannels, "the autoencoder's latent_channels");
  fit("out_channels of the U-Net", outChannels, inChannels, "its in_channels");
  fit("cross_attention_dim of the U-Net", levels[0].contextWidth, textEncoder.details.width, "the text encoder's hidden_size"); // biome-ignore format: one thought
  if (tokenizer.length > textEncoder.details.positions) fit("length of the tokenizer", tokenizer.length, textEncoder.details.positions, "the text encoder's max_position_embeddings"); // biome-ignore format: one thought
}
