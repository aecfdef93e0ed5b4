import { EtalonError } from "@etalon/errors";
import { chooseWeights } from "./chooseWeights.ts";

/** A repository as far as choosing goes: its names, and its JSON files, which are fetched when they are read. */
export interface Choosable {
  repo: string;
  revision: string;
  names: readonly string[];
  json(path: string): Promise<Record<string, unknown>>;
}

/** Parts of a pipeline that no picture needs. */
const passedOver = ["safety_checker", "feature_extractor"];

/** What lies beside weights: configs, vocabularies, SentencePiece models. */
const small = /\.(json|txt|model)$/;

/**
 * The files that loading needs: model_index.json, and of each part that it names the configs and one set of weights; of a single model its configs and weights; of an adapter its file.
 * Weights are in the variant asked for, else in full precision, else in whatever there is, of one precision as safetensors where there are any; in parts as their index lists them.
 * @throws EtalonError NOT_FOUND: a part or weights that are not there; UNSUPPORTED: no model that is known
 */
export async function neededFiles(from: Choosable, variant?: string): Promise<string[]> {
  const { names, repo, revision } = from;
  if (names.includes("model_index.json")) {
    const files = ["model_index.json"];
    for (const part of partsOf(await from.json("model_index.json"))) {
      const inside = await modelFiles(from, `${part}/`, variant);
      if (inside.length === 0) throw new EtalonError("NOT_FOUND", { argument: part, value: repo }, { message: `${repo} at ${revision} has no folder ${part}, which its model_index.json names.` }); // biome-ignore format: one thought
      files.push(...inside);
    }
    return files;
  }
  if (names.includes("config.json")) return modelFiles(from, "", variant);
  const adapters = ["pytorch_lora_weights.safetensors", "adapter_model.safetensors", "adapter_config.json"].filter((name) => names.includes(name)); // biome-ignore format: one thought
  if (adapters.length > 0) return adapters;
  throw new EtalonError("UNSUPPORTED", { argument: "model", value: repo }, { message: `${repo} at ${revision} is no model that can be loaded; allowed: one with a model_index.json or a config.json. Files: ${list(names)}.` }); // biome-ignore format: one thought
}

const partsOf = (index: Record<string, unknown>): string[] =>
  Object.entries(index).flatMap(([part, value]) =>
    Array.isArray(value) && value.some((name) => name !== null) && !passedOver.includes(part) ? [part] : [],
  );

/** A model's files in a folder: what is small, and its weights. */
async function modelFiles(from: Choosable, folder: string, variant?: string): Promise<string[]> {
  const inside = from.names.filter((name) => name.startsWith(folder) && !name.slice(folder.length).includes("/")).map((name) => name.slice(folder.length)); // biome-ignore format: one thought
  const weights = chooseWeights(inside, variant);
  const kept = inside.filter((name) => small.test(name) && !/\.index(\.\w+)?\.json$/.test(name));
  if (weights === undefined) {
    if (inside.includes("config.json")) throw new EtalonError("NOT_FOUND", { argument: "weights", value: `${from.repo}/${folder}` }, { message: `${from.repo} at ${from.revision} has no weights ${folder === "" ? "" : `in ${folder} `}that can be read; allowed: safetensors, or torch's .bin. Files: ${list(inside)}.` }); // biome-ignore format: one thought
    return kept.map((name) => folder + name);
  }
  if (!weights.endsWith(".json")) return [...kept, weights].map((name) => folder + name);
  const { weight_map: map } = await from.json(folder + weights);
  const parts = [...new Set(Object.values((map ?? {}) as Record<string, string>))].sort();
  const lost = parts.find((part) => !inside.includes(part));
  if (lost !== undefined || parts.length === 0) throw new EtalonError("NOT_FOUND", { argument: "weights", value: `${from.repo}/${folder}${weights}` }, { message: `${folder}${weights} of ${from.repo} at ${from.revision} lists ${lost === undefined ? "no parts" : `${JSON.stringify(lost)}, which is not there`}.` }); // biome-ignore format: one thought
  return [...kept, weights, ...parts].map((name) => folder + name);
}

const list = (names: readonly string[]): string => (names.length === 0 ? "none" : names.slice(0, 12).join(", ") + (names.length > 12 ? ", …" : "")); // biome-ignore format: one thought
