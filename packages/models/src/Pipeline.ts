import type { Tensor, Variable } from "@etalon/engine";
import type { Path } from "@etalon/schedules";
import type { ImageBatch } from "./images/ImageBatch.ts";
import type { LoraConfig } from "./lora/LoraConfig.ts";
import type { AdapterFormat } from "./lora/writeAdapter.ts";

/** What a model's output is under classifier-free guidance, or without it; float32 [batch, …latentShape] flat. */
export type ModelOutput = Float32Array | { cond: Float32Array; uncond: Float32Array };

/** How prompts are denoised. */
export interface DenoiserOptions {
  /** Above 1 (or below) gives both outputs. Default 1. */
  guidance?: number;
  negative?: string;
  /** Samples that go through the model at once. */
  batch?: number;
  /** Of one latent. Default: `latentShape()`. */
  shape?: readonly number[];
  /** Where an output is put: gives an array of that length, which no one else holds. Default: a new one. */
  room?: (length: number) => Float32Array;
}

/** A denoiser as @etalon/gddim's sampling loop takes it: model output at x and time t. */
export interface PromptDenoiser {
  (x: Float32Array, t: number): ModelOutput;
  /** Frees the prompts' tensors. */
  dispose(): void;
}

/** Encoded prompts: the pipeline's own tensors. */
export interface Conditioning {
  readonly count: number;
  readonly tensors: Readonly<Record<string, Tensor>>;
  dispose(): void;
}

/** Which parameters are trained: the adapter's, all of the model's (its embedding tables excepted), or those whose name matches. */
export type ParameterChoice = "lora" | "all" | RegExp;

/** A model that can be trained: its adapter, its parameters, its weights. */
export interface TrainableModel {
  readonly config: Readonly<object>;
  /** Adds a fresh adapter (in place of an earlier one). */
  addAdapter(config?: Partial<LoraConfig>, seed?: number): void;
  /** @param scale  weight on top of its own alpha/rank; default 1 */
  loadAdapter(place: string, options?: { scale?: number }): void;
  /** Whether blocks run again for the gradient in place of being kept; absent where a model has no such blocks. */
  checkpointing?: boolean;
  saveAdapter(folder: string, options?: { format?: AdapterFormat }): void;
  /** Off gives the reference model, which the adapter was added to. */
  setAdapterEnabled(on: boolean): void;
  readonly hasAdapter: boolean;
  /** The trainable parameters by name. Marks these as trainable and all others as not. @throws EtalonError NOT_FOUND: none matches */
  parameters(choice: ParameterChoice): ReadonlyMap<string, Variable>;
  /** All weights as safetensors, atomically; F16 halves the file. */
  save(file: string, dtype?: "F32" | "F16"): void;
  load(file: string): void;
  dispose(): void;
}

/** Where a pipeline was loaded from. */
export interface PipelineSource {
  readonly folder: string;
  /** The name that gives the same again: of a hub's model with its commit. */
  readonly source?: string;
  /** Of its weights' files, where one was asked for. */
  readonly variant?: string;
}

/** A text-to-image model with all that sampling and training need of it. */
export interface Pipeline {
  readonly name: string;
  /** What was passed over when it was loaded, in sentences. */
  readonly notes?: readonly string[];
  /** Where it was loaded from. */
  readonly files?: PipelineSource;
  /** The path of its latents; `prediction` says what its output is. */
  readonly path: Path;
  readonly model: TrainableModel;
  readonly defaults: { readonly steps: number; readonly guidance: number };
  /** The shape of one sample's latent, [height, width, channels]. */
  latentShape(height?: number, width?: number): number[];
  /** '' is the prompt that says nothing. */
  encodePrompts(prompts: readonly string[]): Conditioning;
  /** Model output, float32 [batch, …latentShape]; differentiable in the trainable parameters. Call within tf.tidy. */
  predict(x: Tensor, t: number, conditioning: Conditioning): Tensor;
  denoiser(prompts: readonly string[], options?: DenoiserOptions): PromptDenoiser;
  /** @param latents  float32 [count, …shape] flat    @param shape  of one latent; default latentShape() */
  decode(latents: Float32Array, count: number, shape?: readonly number[]): ImageBatch;
  /** The predicted peak of an update's memory, in bytes: of so many samples at once. Parameters are chosen before. */
  updateBytes?(options: { batch: number; guidance: number }): number;
  /** Words of the prompts that the model does not know. */
  unknownWords(prompts: readonly string[]): string[];
  /** Writes all of it into a folder, as loadPipeline reads it; an adapter is not in it. @param dtype  of the weights; default F32 */
  save(folder: string, dtype?: "F32" | "F16"): void;
  dispose(): void;
}
