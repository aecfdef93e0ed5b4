import { basename, join, resolve } from "node:path";
import { EtalonError } from "@etalon/errors";
import type { SchedulerConfig } from "@etalon/schedules";
import { openTokenizer } from "../clip/openTokenizer.ts";
import type { FoundModel } from "../fetchModel.ts";
import { loadModel } from "../loadModel.ts";
import { readJson } from "../readJson.ts";
import { StableDiffusionPipeline } from "./StableDiffusionPipeline.ts";

/** Parts that are loaded; of others, those that change no picture are passed over with a note. */
const parts = ["unet", "vae", "text_encoder", "tokenizer", "scheduler"];
const passedOver: Readonly<Record<string, string>> = {
  safety_checker: "The safety checker is not run: pictures are not filtered.",
  feature_extractor: "",
};

/** How a pipeline is opened. */
export interface OpenOptions extends Partial<Omit<FoundModel, "folder">> {
  /** 'fp16', say: the weights' files with that in their names come first. */
  variant?: string;
}

/**
 * Opens a folder as diffusers' StableDiffusionPipeline writes it: model_index.json, and a folder a part.
 * @throws EtalonError NOT_FOUND, BAD_FILE, BAD_CONFIG; UNSUPPORTED: a part that would change pictures
 */
export async function openStableDiffusion(folder: string, options: OpenOptions = {}): Promise<StableDiffusionPipeline> {
  const index = readJson(join(folder, "model_index.json"));
  const notes = [...(options.notes ?? [])];
  const { name = basename(resolve(folder)), variant, source } = options;
  for (const [part, value] of Object.entries(index)) {
    if (!Array.isArray(value) || value.every((name) => name === null) || parts.includes(part)) continue;
    if (!(part in passedOver)) throw new EtalonError("UNSUPPORTED", { argument: `${part} of ${folder}`, value, allowed: parts.join(", ") }); // biome-ignore format: one thought
    if (passedOver[part] !== "") notes.push(passedOver[part]);
  }
  const at = (part: string) => join(folder, part);
  const tokenizer = openTokenizer(at("tokenizer"));
  const scheduler = readJson(join(at("scheduler"), "scheduler_config.json")) as SchedulerConfig;
  const opened: { dispose(): void }[] = [];
  const open = async <T extends { dispose(): void }>(model: Promise<T>): Promise<T> => {
    opened.push(await model);
    return model;
  };
  try {
    const textEncoder = await open(loadModel(at("text_encoder"), { className: "CLIPTextModel", variant }));
    const unet = await open(loadModel(at("unet"), { className: "UNet2DConditionModel", variant }));
    const vae = await open(loadModel(at("vae"), { className: "AutoencoderKL", variant }));
    return new StableDiffusionPipeline(name, { unet, vae, textEncoder, tokenizer, scheduler }, { folder, index, variant, source }, notes);
  } catch (error) {
    for (const model of opened) model.dispose();
    throw error;
  }
} // biome-ignore format: long lines
