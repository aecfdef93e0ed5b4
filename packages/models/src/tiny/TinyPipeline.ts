import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Tensor, type Tensor2D, type Tensor3D, type Tensor4D, tf } from "@etalon/engine";
import { check, EtalonError } from "@etalon/errors";
import { type Path, rectifiedFlow } from "@etalon/schedules";
import type { ImageBatch } from "../images/ImageBatch.ts";
import type { Conditioning, ModelOutput, Pipeline, PromptDenoiser } from "../Pipeline.ts";
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

  constructor(model: TinyModel, tokenizer: TinyTokenizer) {
    this.model = model;
    this.tokenizer = tokenizer;
  }

  /** Reads a folder with config.json, tokenizer.json and diffusion_pytorch_model.safetensors. @throws EtalonError NOT_FOUND, BAD_FILE */
  static load(folder: string): TinyPipeline {
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
    return new TinyPipeline(new TinyModel(transformer), tokenizer);
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
    check.that(prompts.length > 0, "BAD_SHAPE", noPrompts(prompts));
    const ids = new Int32Array(prompts.length * this.tokenizer.length);
    for (const [i, prompt] of prompts.entries()) ids.set(this.tokenizer.encode(prompt), i * this.tokenizer.length);
    const tensors = this.model.transformer.embedWords(ids);
    return { count: prompts.length, tensors, dispose: () => tf.dispose(tensors) };
  }

  predict(x: Tensor, t: number, { tensors, count }: Conditioning): Tensor {
    check.that(x.shape[0] === count, "BAD_SHAPE", {
      argument: "x",
      value: x.shape,
      allowed: `a batch of ${count}, as there are prompts`,
    });
    const { words, pooled } = tensors as { words: Tensor3D; pooled: Tensor2D };
    return this.model.transformer.forward({ hiddenStates: x as Tensor4D, timestep: tf.fill([count], t), words, pooled })
      .sample;
  }

  denoiser(
    prompts: readonly string[],
    {
      guidance = 1,
      negative = "",
      batch = defaultBatch,
    }: { guidance?: number; negative?: string; batch?: number } = {},
  ): PromptDenoiser {
    check.range("guidance", guidance, { min: 0 });
    check.count("batch", batch);
    check.that(prompts.length > 0, "BAD_SHAPE", noPrompts(prompts));
    const parts = chunks(prompts, batch).map((part) => ({
      cond: this.encodePrompts(part),
      uncond: guidance === 1 ? undefined : this.encodePrompts(part.map(() => negative)),
    }));
    const dim = this.latentShape().reduce((a, b) => a * b);
    const denoise = (x: Float32Array, t: number): ModelOutput => {
      check.length("x", x, prompts.length * dim);
      const run = (pick: (part: (typeof parts)[number]) => Conditioning | undefined) => {
        const out = new Float32Array(x.length);
        let begin = 0;
        for (const part of parts) {
          const conditioning = pick(part) as Conditioning;
          const size = conditioning.count * dim;
          out.set(this.#predictNow(x.subarray(begin, begin + size), t, conditioning), begin);
          begin += size;
        }
        return out;
      };
      const cond = run((part) => part.cond);
      return guidance === 1 ? cond : { cond, uncond: run((part) => part.uncond) };
    };
    const dispose = () => {
      for (const { cond, uncond } of parts.splice(0)) {
        cond.dispose();
        uncond?.dispose();
      }
    };
    return Object.assign(denoise, { dispose });
  }

  decode(latents: Float32Array, count: number): ImageBatch {
    const [height, width, channels] = this.latentShape();
    check.length("latents", latents, count * height * width * channels);
    checkFinite("latents", latents);
    const data = Uint8Array.from(latents, (value) => Math.max(0, Math.min(255, Math.round((value + 1) * 127.5))));
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

  #predictNow(x: Float32Array, t: number, conditioning: Conditioning): Float32Array {
    const out = tf.tidy(() => this.predict(tf.tensor(x, [conditioning.count, ...this.latentShape()]), t, conditioning));
    const values = out.dataSync<"float32">().slice();
    out.dispose();
    checkFinite("model output", values, "The weights, or the state given, hold NaN or infinities.");
    return values;
  }
}

function checkFinite(argument: string, values: Float32Array, hint?: string): void {
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong < 0) return;
  const allowed = "finite numbers";
  throw new EtalonError("NOT_FINITE", { argument: `${argument}[${wrong}]`, value: values[wrong], allowed, hint });
}

const noPrompts = (value: readonly string[]) => ({ argument: "prompts", value, allowed: "at least one prompt" });

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
