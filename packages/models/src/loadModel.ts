import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { currentEngine, type EngineName, engine } from "@etalon/engine";
import { check } from "@etalon/errors";
import { CLIPTextModel } from "./clip/CLIPTextModel.ts";
import { readJson } from "./readJson.ts";
import { UNet2DConditionModel } from "./unet/UNet2DConditionModel.ts";
import { AutoencoderKL } from "./vae/AutoencoderKL.ts";
import { openWeights } from "./weights/openWeights.ts";

/** The models that loadModel knows, by the names of their classes in diffusers and transformers. */
const models = { UNet2DConditionModel, AutoencoderKL, CLIPTextModel } as const;
export type ModelName = keyof typeof models;
export type Model = InstanceType<(typeof models)[ModelName]>;

/** How a model is loaded. */
export interface LoadModelOptions<Name extends ModelName = ModelName> {
  /** The class; by default config.json's `_class_name` or first of `architectures`. */
  className?: Name;
  engine?: EngineName;
  /** 'fp16', say: the weights' file with that in its name comes first. */
  variant?: string;
  /** Whether weights that are NaN or infinite are refused. Default true. */
  finite?: boolean;
}

/**
 * Loads a model from a folder with config.json and its weights, whole or in parts: safetensors, or what torch.save wrote (nothing of it is run).
 * @param folder  or a file of weights beside a config.json
 * @throws EtalonError NOT_FOUND: no such file; BAD_FILE: weights that are missing, unexpected, of another shape or not finite, by name; BAD_CONFIG, UNSUPPORTED: an option, by name and value, or the class
 */
export async function loadModel<Name extends ModelName = ModelName>(
  folder: string,
  { className, engine: wanted, variant, finite }: LoadModelOptions<Name> = {},
): Promise<InstanceType<(typeof models)[Name]>> {
  if (wanted !== undefined || !currentEngine()) await engine(wanted);
  const isFile = existsSync(folder) && statSync(folder).isFile();
  const config = readJson(join(isFile ? dirname(folder) : folder, "config.json"));
  const architectures = config.architectures;
  const found = className ?? config._class_name ?? (Array.isArray(architectures) ? architectures[0] : undefined);
  const name = check.oneOf(`class of ${folder}`, found, Object.keys(models) as ModelName[], "UNSUPPORTED");
  const model = new models[name](config);
  try {
    return model.loadWeights(await openWeights(folder, variant), { finite }) as InstanceType<(typeof models)[Name]>;
  } catch (error) {
    model.dispose();
    throw error;
  }
}
