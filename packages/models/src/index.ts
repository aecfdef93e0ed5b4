export { EtalonError } from "@etalon/errors";
export { chunks } from "./chunks.ts";
export { CLIPTextModel } from "./clip/CLIPTextModel.ts";
export { type FetchModelOptions, type FoundModel, fetchModel } from "./fetchModel.ts";
export { type ImageBatch, imageAt } from "./images/ImageBatch.ts";
export { encodePng, type GridOptions, gridPng, readImages } from "./images/png.ts";
export { pngText } from "./images/pngText.ts";
export { type LoadModelOptions, loadModel, type Model, type ModelName } from "./loadModel.ts";
export { type LoadPipelineOptions, loadPipeline } from "./loadPipeline.ts";
export type { LoraConfig } from "./lora/LoraConfig.ts";
export type { AdapterFormat } from "./lora/writeAdapter.ts";
export { ParameterStore } from "./ParameterStore.ts";
export type {
  Conditioning,
  ModelOutput,
  ParameterChoice,
  Pipeline,
  PromptDenoiser,
  TrainableModel,
} from "./Pipeline.ts";
export { type TinyStableDiffusionOptions, writeTinyStableDiffusion } from "./pipelines/writeTinyStableDiffusion.ts";
export { promptLists } from "./prompts/builtInPrompts.ts";
export { loadPromptSet, type PromptPart, type PromptSet, type PromptSource } from "./prompts/loadPromptSet.ts";
export { loadPrompts } from "./prompts/loadPrompts.ts";
export { Random } from "./random.ts";
export { TinyTokenizer } from "./tiny/TinyTokenizer.ts";
export { UNet2DConditionModel } from "./unet/UNet2DConditionModel.ts";
export { AutoencoderKL } from "./vae/AutoencoderKL.ts";
export { hashWeights } from "./weights/hashWeights.ts";
