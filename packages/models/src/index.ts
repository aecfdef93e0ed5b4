export { EtalonError } from "@etalon/errors";
export { type ImageBatch, imageAt } from "./images/ImageBatch.ts";
export { encodePng, type GridOptions, gridPng, readImages } from "./images/png.ts";
export type { LoraConfig } from "./LoraAdapter.ts";
export { loadPipeline } from "./loadPipeline.ts";
export { loadPrompts, promptLists } from "./loadPrompts.ts";
export { ParameterStore } from "./ParameterStore.ts";
export type {
  Conditioning,
  ModelOutput,
  ParameterChoice,
  Pipeline,
  PromptDenoiser,
  TrainableModel,
} from "./Pipeline.ts";
export { Random } from "./random.ts";
export { TinyTokenizer } from "./tiny/TinyTokenizer.ts";
