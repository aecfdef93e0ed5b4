import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Tensor, type Tensor2D, type Tensor3D, type Tensor4D, tf } from "@etalon/engine";
import { check, EtalonError } from "@etalon/errors";
import { type Path, rectifiedFlow } from "@etalon/schedules";
import type { ImageBatch } from "../images/ImageBatch.ts";
import { writePixels } from "../images/writePixels.ts";
import type { Conditioning, DenoiserOptions, Pipeline, PipelineSource, PromptDenoiser } from "../Pipeline.ts";
import { checkBatch, checkFinite, checkPrompts, promptDenoiser } from "../pipelines/promptDenoiser.ts";
import { checkTinyConfig } from "./config.ts";
import { saveTiny } from "./saveTiny.ts";
import { TinyModel } from "./TinyModel.ts";
import { TinyTokenizer } from "./TinyTokenizer.ts";
import { TinyTransformer2DModel } from "./TinyTransformer2DModel.ts";

/** Samples that go through the model at once, unless told otherwise: a good size for the wasm engine's caches. */
const defaultBatch = 32;

/**
 * The embedded default: words → TinyTransformer2DModel → 32×32 pixels, on a rectified flow whose grids start at t = 0.98, where the state is all but pure noise:
 * at t = 1 itself it tells nothing of the data, and an SDE step would re-draw it whole (math.md §2).
 */
export class TinyPipeline implements Pipeline {
  readonly name = "tiny";
  readonly path: Path = rectifiedFlow({ prediction: "sample", noiseTime: 0.98 });
  readonly defaults = { steps: 10, guidance: 1 };
  readonly model: TinyModel;
  readonly tokenizer: TinyTokenizer;

  readonly notes: readonly string[];
  readonly files?: PipelineSource;

  /** @param files  where it came from */
  constructor(model: TinyModel, tokenizer: TinyTokenizer, files?: PipelineSource, notes: readonly string[] = []) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.files = files;
    this.notes = notes;
  }

  /** Reads a folder with config.json, tokenizer.json and diffusion_pytorch_model.safetensors. @throws EtalonError NOT_FOUND, BAD_FILE */
  static load(
    folder: string,
    { notes = [], source }: { notes?: readonly string[]; source?: string } = {},
  ): TinyPipeline {
    const config = checkTinyConfig(
      JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as Record<string, unknown>,
    );
    const tokenizer = TinyTokenizer.fromFile(join(folder, "tokenizer.json"));
    if (tokenizer.size !== config.vocab_size || tokenizer.length !== config.max_words) {
      throw new EtalonError("BAD_FILE", {
        argument: "tokenizer.json",
        value: tokenizer.size,
        allowed: `${config.vocab_size} ids, as config.json tells`,
      });
    }
    const transformer = new TinyTransformer2DModel(config).load(join(folder, "diffusion_pytorch_model.safetensors"));
    return new TinyPipeline(new TinyModel(transformer), tokenizer, { folder, source }, notes);
  }

  latentShape(height = this.model.config.sample_size, width = height): number[] {
    const { sample_size, in_channels } = this.model.config;
    if (height !== sample_size || width !== sample_size) {
      throw new EtalonError("UNSUPPORTED", {
        argument: "size",
        value: [height, width],
        allowed: `${sample_size}×${sample_size}`,
      });
    }
    return [sample_size, sample_size, in_channels];
  }

  encodePrompts(prompts: readonly string[]): Conditioning {
    checkPrompts(prompts);
    const ids = new Int32Array(prompts.length * this.tokenizer.length);
    for (const [i, prompt] of prompts.entries()) ids.set(this.tokenizer.encode(prompt), i * this.tokenizer.length);
    const tensors = this.model.transformer.embedWords(ids);
    return { count: prompts.length, tensors, dispose: () => tf.dispose(tensors) };
  }

  predict(x: Tensor, t: number, { tensors, count }: Conditioning): Tensor {
    checkBatch(x, count);
    const { words, pooled } = tensors as { words: Tensor3D; pooled: Tensor2D };
    return this.model.transformer.forward({ hiddenStates: x as Tensor4D, timestep: tf.fill([count], t), words, pooled })
      .sample;
  }

  denoiser(prompts: readonly string[], options: DenoiserOptions = {}): PromptDenoiser {
    return promptDenoiser(this, prompts, { ...options, batch: options.batch ?? defaultBatch });
  }

  decode(latents: Float32Array, count: number): ImageBatch {
    const [height, width, channels] = this.latentShape();
    check.length("latents", latents, count * height * width * channels);
    checkFinite("latents", latents);
    const data = new Uint8Array(latents.length);
    writePixels(latents, data);
    return { data, count, width, height };
  }

  unknownWords(prompts: readonly string[]): string[] {
    return [...new Set(prompts.flatMap((prompt) => this.tokenizer.unknown(prompt)))];
  }

  save(folder: string, dtype: "F32" | "F16" = "F32"): void {
    saveTiny(folder, this.model.transformer, this.tokenizer, dtype);
  }

  dispose(): void {
    this.model.dispose();
  }
}
