import { existsSync } from "node:fs";
import { join } from "node:path";
import { currentEngine, engine } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { type FetchModelOptions, type FoundModel, fetchModel } from "./fetchModel.ts";
import type { Pipeline } from "./Pipeline.ts";
import { openStableDiffusion } from "./pipelines/openStableDiffusion.ts";
import { readJson } from "./readJson.ts";
import { TinyPipeline } from "./tiny/TinyPipeline.ts";

/** How a pipeline is loaded. `variant` counts for folders too: the weights' files with it in their names come first. */
export type LoadPipelineOptions = FetchModelOptions;

/**
 * Loads a text-to-image pipeline: 'tiny', which is built in; a folder as diffusers' StableDiffusionPipeline writes it (model_index.json), or one whose config.json names an
 * architecture that this package has; or a model of the Hugging Face hub by 'owner/name' (`fetchModel` says by which rule). Loads the default engine where none is current yet.
 * @throws EtalonError NOT_FOUND: no such name or folder; BAD_FILE: a file that does not fit; UNSUPPORTED: another architecture; and of the hub's as `snapshot`
 */
export async function loadPipeline(dirOrName: string, options: LoadPipelineOptions = {}): Promise<Pipeline> {
  const found = await fetchModel(dirOrName, options);
  if (!currentEngine()) await engine();
  const { folder } = found;
  if (existsSync(join(folder, "model_index.json"))) return openDiffusers(found, options);
  const file = join(folder, "config.json");
  if (!existsSync(file)) {
    throw new EtalonError("NOT_FOUND", {
      argument: "model",
      value: dirOrName,
      allowed: "a folder with a model_index.json or a config.json",
      hint: found.notes.length > 0 ? `hf://${dirOrName} is the hub's model of that name.` : undefined,
    });
  }
  const name = readJson(file)._class_name;
  if (name === "TinyTransformer2DModel") return TinyPipeline.load(folder, found);
  throw new EtalonError("UNSUPPORTED", {
    argument: `_class_name in ${file}`,
    value: name,
    allowed: "TinyTransformer2DModel",
  });
}

/** A folder that diffusers wrote. */
async function openDiffusers(found: FoundModel, { variant }: LoadPipelineOptions): Promise<Pipeline> {
  const { folder } = found;
  const kind = readJson(join(folder, "model_index.json"))._class_name;
  if (kind === "StableDiffusionPipeline") return openStableDiffusion(folder, { ...found, variant });
  throw new EtalonError("UNSUPPORTED", {
    argument: `_class_name in ${join(folder, "model_index.json")}`,
    value: kind,
    allowed: "StableDiffusionPipeline",
  });
}
