import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import { readSafetensors } from "@etalon/weights";
import type { WeightSource } from "./WeightSource.ts";

/** Names that diffusers and transformers give a model's weights, the full precision first. */
const stems = ["diffusion_pytorch_model", "model"];
const variants = ["", ".fp16", ".bf16"];

/**
 * Opens the weights in a model's folder: one safetensors file, or the parts that a `*.safetensors.index.json` lists; diffusers' and transformers' names, full precision before the
 * fp16 variant. Reads headers only.
 * @param folder  or the file itself    @param variant  'fp16' or another one that a file's name carries: it is taken first where it is there
 * @throws EtalonError NOT_FOUND: no such file; BAD_FILE: an index or a header that does not fit
 */
export function openWeights(folder: string, variant?: string): WeightSource {
  if (existsSync(folder) && statSync(folder).isFile()) return fromFiles(folder, [folder]);
  const order = variant === undefined ? variants : [`.${variant}`, ...variants];
  for (const middle of order) {
    for (const stem of stems) {
      const file = join(folder, `${stem}${middle}.safetensors`);
      if (existsSync(file)) return fromFiles(file, [file]);
      const index = [`${stem}${middle}.safetensors.index.json`, `${stem}.safetensors.index${middle}.json`].map((name) => join(folder, name)).find(existsSync); // biome-ignore format: one thought
      if (index !== undefined) return fromIndex(folder, index);
    }
  }
  const there = existsSync(folder) ? readdirSync(folder).join(", ") || "nothing" : "no such folder";
  throw new EtalonError("NOT_FOUND", {
    argument: "weights",
    value: folder,
    allowed: `a folder with ${stems.map((stem) => `${stem}.safetensors`).join(" or ")} (whole, or in parts with an index)`,
    hint: `There is: ${there}.`,
  });
}

/** The tensors of some safetensors files as one source. @throws EtalonError BAD_FILE: a name that two of them have */
function fromFiles(place: string, files: readonly string[]): WeightSource {
  const owners = new Map<string, ReturnType<typeof readSafetensors>>();
  for (const file of files) {
    const stored = readSafetensors(file);
    for (const name of stored.names) {
      if (owners.has(name)) throw bad(place, `${name} stands in two parts`, "each tensor in one part");
      owners.set(name, stored);
    }
  }
  const find = (name: string) => {
    const owner = owners.get(name);
    if (owner) return owner;
    throw new EtalonError("NOT_FOUND", { argument: "tensor", value: name, allowed: `one of the ${owners.size} names in ${place}` }); // biome-ignore format: one thought
  };
  return {
    place,
    names: [...owners.keys()],
    shape: (name) => find(name).info(name).shape,
    get: (name) => find(name).get(name),
  };
}

function fromIndex(folder: string, index: string): WeightSource {
  const map = weightMap(index);
  const parts = [...new Set(Object.values(map))];
  const outside = parts.find((part) => part.includes("/") || part.includes("\\") || !part.endsWith(".safetensors"));
  if (outside !== undefined) throw bad(index, `the part ${JSON.stringify(outside)}`, "names of safetensors files beside the index"); // biome-ignore format: one thought
  const absent = parts.find((part) => !existsSync(join(folder, part)));
  if (absent !== undefined) throw bad(index, `the part ${absent}, which is not there`, "parts that lie beside the index"); // biome-ignore format: one thought
  const source = fromFiles(index, parts.map((part) => join(folder, part))); // biome-ignore format: one thought
  const names = new Set(source.names);
  const lost = Object.keys(map).find((name) => !names.has(name));
  if (lost !== undefined) throw bad(index, `${lost}, which no part has`, "names that the parts have");
  return source;
}

function weightMap(index: string): Record<string, string> {
  try {
    const map: unknown = (JSON.parse(readFileSync(index, "utf8")) as { weight_map?: unknown }).weight_map;
    if (typeof map === "object" && map !== null && Object.values(map).every((part) => typeof part === "string")) return map as Record<string, string>; // biome-ignore format: one thought
  } catch {
    // no JSON: the same error
  }
  throw bad(index, "no weight_map", "JSON with a weight_map of tensor names to files");
}

const bad = (place: string, what: string, allowed: string) =>
  new EtalonError("BAD_FILE", { argument: "weights", value: what, allowed }, { message: `${place}: ${what}; allowed: ${allowed}.` }); // biome-ignore format: one thought
