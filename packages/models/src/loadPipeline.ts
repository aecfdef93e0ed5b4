import { existsSync } from "node:fs";
import { join } from "node:path";
import { currentEngine, engine } from "@etalon/engine";
import { EtalonError, nearest } from "@etalon/errors";
import { assets } from "./assets.ts";
import type { Pipeline } from "./Pipeline.ts";
import { openStableDiffusion } from "./pipelines/openStableDiffusion.ts";
import { readJson } from "./readJson.ts";
import { TinyPipeline } from "./tiny/TinyPipeline.ts";

/** Models that the package carries, by name. */
const builtIn: Readonly<Record<string, string>> = {
  tiny: join(assets, "tiny"),
};

/**
 * Loads a text-to-image pipeline: 'tiny', which is built in, a folder as diffusers' StableDiffusionPipeline writes
 * it (model_index.json), or one whose config.json names an architecture that this package has. Loads the default engine
 * where none is current yet.
 * @throws EtalonError NOT_FOUND: no such name or folder; BAD_FILE: a file that does not fit; UNSUPPORTED: another architecture
 */
export async function loadPipeline(dirOrName: string): Promise<Pipeline> {
  if (!currentEngine()) await engine();
  const folder = builtIn[dirOrName] ?? dirOrName;
  if (existsSync(join(folder, "model_index.json"))) return openDiffusers(folder);
  const file = join(folder, "config.json");
  if (!existsSync(file)) {
    const near = nearest(dirOrName, Object.keys(builtIn));
    throw new EtalonError("NOT_FOUND", {
      argument: "model",
      value: dirOrName,
      allowed: `${Object.keys(builtIn).join(", ")}, or a folder with a model_index.json or a config.json`,
      hint: near === undefined ? undefined : `Did you mean ${JSON.stringify(near)}?`,
    });
  }
  const name = readJson(file)._class_name;
  if (name === "TinyTransformer2DModel") return TinyPipeline.load(folder);
  throw new EtalonError("UNSUPPORTED", {
    argument: `_class_name in ${file}`,
    value: name,
    allowed: "TinyTransformer2DModel",
  });
}

/** A folder that diffusers wrote. */
async function openDiffusers(folder: string): Promise<Pipeline> {
  const name = readJson(join(folder, "model_index.json"))._class_name;
  if (name === "StableDiffusionPipeline") return openStableDiffusion(folder);
  throw new EtalonError("UNSUPPORTED", {
    argument: `_class_name in ${join(folder, "model_index.json")}`,
    value: name,
    allowed: "StableDiffusionPipeline",
  });
}
