import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import type { NetModel } from "../nn/NetModel.ts";
import type { PipelineSource } from "../Pipeline.ts";

/** Where a pipeline came from. */
export interface PipelineFiles extends PipelineSource {
  /** model_index.json's fields. */
  index: Readonly<Record<string, unknown>>;
}

/** transformers' name of a model's weights; diffusers' is the other. */
const weightFiles: Readonly<Record<string, string>> = { text_encoder: "model.safetensors" };

/** Writes a pipeline's models, and copies its tokenizer and scheduler, as diffusers lays them out. What it was loaded without (a safety checker) is left out. */
export function savePipeline(
  folder: string,
  models: Readonly<Record<string, NetModel<object>>>,
  { folder: from, index }: PipelineFiles,
  dtype: "F32" | "F16",
): void {
  mkdirSync(folder, { recursive: true });
  for (const [part, model] of Object.entries(models)) {
    mkdirSync(join(folder, part), { recursive: true });
    model.save(join(folder, part, weightFiles[part] ?? "diffusion_pytorch_model.safetensors"), dtype);
    writeFileAtomic.sync(join(folder, part, "config.json"), `${JSON.stringify(model.config, null, 2)}\n`);
  }
  const copied = ["tokenizer", "scheduler"].filter((part) => existsSync(join(from, part)));
  if (from !== folder) for (const part of copied) cpSync(join(from, part), join(folder, part), { recursive: true });
  const kept = { ...index, safety_checker: [null, null], feature_extractor: [null, null], requires_safety_checker: false }; // biome-ignore format: one thought
  writeFileAtomic.sync(join(folder, "model_index.json"), `${JSON.stringify(kept, null, 2)}\n`);
}
