import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { EtalonError } from "@etalon/errors";
import { readSafetensors, readTorch, type SafetensorsFile } from "@etalon/weights";
import type { WeightSource } from "./WeightSource.ts";

/** Kinds of files, by how their names end: the stems that diffusers and transformers give them. */
const kinds = [
  { ending: ".safetensors", stems: ["diffusion_pytorch_model", "model"] },
  { ending: ".bin", stems: ["diffusion_pytorch_model", "pytorch_model"] },
] as const;
const variants = ["", ".fp16", ".bf16"];

/** A file of torch.save's making, by its name. */
const isTorch = (file: string): boolean => /\.(bin|pt|pth|ckpt)$/.test(file);

/** Files that hold a model's weights, and the index that lists them where they are parts. */
interface Found {
  place: string;
  files: readonly string[];
  map?: Readonly<Record<string, string>>;
}

/**
 * Opens the weights in a model's folder: one file, or the parts that an index lists, safetensors or torch's .bin; diffusers' and transformers' names, full precision before the fp16 variant, of
 * one precision safetensors first. Reads headers only.
 * @param place  or a file itself: .bin, .pt, .pth and .ckpt are torch's, anything else safetensors
 * @param variant  'fp16' or another one that a file's name carries: it is taken first where it is there
 * @throws EtalonError NOT_FOUND: no such file; BAD_FILE: an index or a header that does not fit, a checkpoint with more in it than tensors and plain values
 */
export async function openWeights(place: string, variant?: string): Promise<WeightSource> {
  const found = find(place, variant);
  const opened: SafetensorsFile[] = [];
  for (const file of found.files) opened.push(isTorch(file) ? await readTorch(file) : readSafetensors(file));
  return joined(found, opened);
}

/** The same at once, for safetensors only. @throws EtalonError UNSUPPORTED: weights that torch.save wrote */
export function openSafetensors(place: string, variant?: string): WeightSource {
  const found = find(place, variant);
  const torch = found.files.find(isTorch);
  if (torch !== undefined)
    throw new EtalonError("UNSUPPORTED", { argument: "weights", value: torch, allowed: "safetensors", hint: "loadModel reads torch's files too." }); // biome-ignore format: one thought
  return joined(found, found.files.map(readSafetensors));
} // biome-ignore format: long lines

function find(place: string, variant: string | undefined): Found {
  if (existsSync(place) && statSync(place).isFile()) return { place, files: [place] };
  const order = variant === undefined ? variants : [`.${variant}`, ...variants];
  for (const middle of order) {
    for (const { ending, stems } of kinds) {
      for (const stem of stems) {
        const file = join(place, `${stem}${middle}${ending}`);
        if (existsSync(file)) return { place: file, files: [file] };
        const index = [`${stem}${middle}${ending}.index.json`, `${stem}${ending}.index${middle}.json`].map((name) => join(place, name)).find(existsSync); // biome-ignore format: one thought
        if (index !== undefined) return parts(place, index, ending);
      }
    }
  }
  const there = existsSync(place) ? readdirSync(place).join(", ") || "nothing" : "no such folder";
  const names = kinds.flatMap(({ ending, stems }) => stems.map((stem) => stem + ending));
  throw new EtalonError("NOT_FOUND", {
    argument: "weights",
    value: place,
    allowed: `a folder with ${names.join(" or ")} (whole, or in parts with an index)`,
    hint: `There is: ${there}.`,
  });
}

/** The parts that an index lists. @throws EtalonError BAD_FILE: one that does not lie beside it, or is not there */
function parts(folder: string, index: string, ending: string): Found {
  const map = weightMap(index);
  const names = [...new Set(Object.values(map))];
  const outside = names.find((part) => /[/\\\0]/.test(part) || !part.endsWith(ending));
  if (outside !== undefined) throw bad(index, `the part ${JSON.stringify(outside)}`, `names of ${ending} files beside the index`); // biome-ignore format: one thought
  const absent = names.find((part) => !existsSync(join(folder, part)));
  if (absent !== undefined) throw bad(index, `the part ${absent}, which is not there`, "parts that lie beside the index"); // biome-ignore format: one thought
  return { place: index, files: names.map((part) => join(folder, part)), map };
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

/** Opened files as one source. @throws EtalonError BAD_FILE: a name that two of them have, or that is not where the index says */
function joined({ place, files, map = {} }: Found, opened: readonly SafetensorsFile[]): WeightSource {
  const owners = new Map<string, { stored: SafetensorsFile; file: string }>();
  for (const [i, stored] of opened.entries()) {
    for (const name of stored.names) {
      if (owners.has(name)) throw bad(place, `${name} stands in two parts`, "each tensor in one part");
      owners.set(name, { stored, file: basename(files[i]) });
    }
  }
  for (const [name, part] of Object.entries(map)) {
    const file = owners.get(name)?.file;
    if (file === undefined) throw bad(place, `${name}, which no part has`, "names that the parts have");
    if (file !== part) throw bad(place, `${name} in ${part}, where it is not`, "each name's own part");
  }
  const owner = (name: string) => {
    const found = owners.get(name);
    if (found) return found.stored;
    throw new EtalonError("NOT_FOUND", { argument: "tensor", value: name, allowed: `one of the ${owners.size} names in ${place}` }); // biome-ignore format: one thought
  };
  return {
    place,
    names: [...owners.keys()],
    info: (name) => owner(name).info(name),
    get: (name, options) => owner(name).get(name, options),
    readInto: (name, bytes, from) => owner(name).readInto(name, bytes, from),
  };
}

const bad = (place: string, what: string, allowed: string) =>
  new EtalonError("BAD_FILE", { argument: "weights", value: what, allowed }, { message: `${place}: ${what}; allowed: ${allowed}.` }); // biome-ignore format: one thought
