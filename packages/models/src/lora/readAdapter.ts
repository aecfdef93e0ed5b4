import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { check, EtalonError } from "@etalon/errors";
import { readSafetensors, type SafetensorsFile, toFloat32 } from "@etalon/weights";
import { adapterKey } from "./adapterKey.ts";
import type { LayerShape } from "./LayerShape.ts";
import type { LoraConfig } from "./LoraConfig.ts";

/** The names of an adapter's file by its format. */
export const adapterFiles = {
  diffusers: "pytorch_lora_weights.safetensors",
  peft: "adapter_model.safetensors",
  kohya: "kohya_lora.safetensors",
} as const;

/** One layer of an adapter's file: A and B as the file has them. */
export interface Halves {
  rank: number;
  alpha: number;
  a: Float32Array;
  b: Float32Array;
}

/** Reads an adapter's file for the layers of one part of a pipeline. @throws EtalonError as LoraAdapter.load */
export function readAdapter(
  layers: readonly LayerShape[],
  place: string,
  part: string,
): { config: LoraConfig; halves: ReadonlyMap<string, Halves> } {
  const file = adapterFile(place);
  const stored = readSafetensors(file);
  const settings = settingsOf(file, stored, part);
  const found = keysByLayer(file, stored, layers, part);
  const halves = new Map([...found].map(([name, keys]) => [name, halvesIn(file, stored, layers, name, keys, settings)]));
  const [first] = halves.values();
  if (first === undefined) throw new EtalonError("BAD_FILE", { argument: "adapter", value: file, allowed: `a LoRA adapter of the ${part}` }); // biome-ignore format: one thought
  const listed = settings.target_modules;
  const targets = Array.isArray(listed) && listed.every((name) => typeof name === "string") ? (listed as string[]) : [...found.keys()]; // biome-ignore format: one thought
  return { config: { rank: first.rank, alpha: first.alpha, targets }, halves };
} // biome-ignore format: long lines

/** Whether a file has anything for a part of a pipeline. */
export function hasPart(place: string, part: string): boolean {
  const found = readSafetensors(adapterFile(place)).names.map((key) => adapterKey(key, part));
  return found.some((key) => typeof key === "object");
}

interface Keys {
  A?: string;
  B?: string;
  alpha?: string;
}

function keysByLayer(
  file: string,
  stored: SafetensorsFile,
  layers: readonly LayerShape[],
  part: string,
): Map<string, Keys> {
  const flat = new Map(layers.map(({ name }) => [name.replaceAll(".", "_"), name]));
  const known = new Set(layers.map(({ name }) => name));
  const found = new Map<string, Keys>();
  for (const key of stored.names) {
    const parsed = adapterKey(key, part);
    if (parsed === "other") continue;
    if (parsed === undefined) throw unfit(file, key, `a key as ${part}.….lora_A.weight`);
    const name = parsed.flat ? flat.get(parsed.layer) : parsed.layer;
    if (name === undefined || !known.has(name)) throw unfit(file, key, "a layer of the model");
    found.set(name, { ...found.get(name), [parsed.half]: key });
  }
  return found;
}

function halvesIn(
  file: string,
  stored: SafetensorsFile,
  layers: readonly LayerShape[],
  name: string,
  keys: Keys,
  settings: Record<string, unknown>,
): Halves {
  const layer = layers.find((candidate) => candidate.name === name) as LayerShape;
  if (keys.A === undefined || keys.B === undefined) throw unfit(file, keys.A ?? keys.B ?? name, "both halves, A and B");
  const [a, b] = [keys.A, keys.B].map((key) => stored.get(key, { finite: true }));
  const rank = a.shape[0] as number;
  const window = layer.conv?.kernel ?? [];
  fits(file, keys.A, a.shape, [rank, layer.inputs, ...window]);
  fits(file, keys.B, b.shape, [layer.outputs, rank, ...(layer.conv ? [1, 1] : [])]);
  const own = keys.alpha === undefined ? undefined : toFloat32(stored.get(keys.alpha))[0];
  const alpha = own ?? patterned(settings, "alpha_pattern", name) ?? settings.lora_alpha;
  const value = alpha === undefined ? rank : check.range(`lora_alpha of ${file}`, alpha, { above: 0 });
  return { rank, alpha: settings.use_rslora === true ? value * Math.sqrt(rank) : value, a: toFloat32(a), b: toFloat32(b) };
} // biome-ignore format: long lines

/** PEFT's per-layer settings: keys that are the layer's name or what follows its last dots. */
function patterned(settings: Record<string, unknown>, field: string, name: string): unknown {
  const pattern = (settings[field] ?? {}) as Record<string, unknown>;
  const key = Object.keys(pattern).find((end) => name === end || name.endsWith(`.${end}`));
  return key === undefined ? undefined : pattern[key];
}

/** Of a layer of one pixel the ones may be left out. */
function fits(file: string, key: string, found: readonly number[], wanted: readonly number[]): void {
  const bare = (shape: readonly number[]) => (shape.slice(2).every((extent) => extent === 1) ? shape.slice(0, 2) : shape).join(); // biome-ignore format: one thought
  if (found.length < 2 || wanted[0] === 0 || bare(found) !== bare(wanted)) throw unfit(file, key, `a tensor [${wanted}]`); // biome-ignore format: one thought
}

/** The file that holds an adapter: the place itself, or in its folder by the names that there are. @throws EtalonError NOT_FOUND */
export function adapterFile(place: string): string {
  const inside = existsSync(place) && statSync(place).isDirectory();
  const names = Object.values(adapterFiles);
  const file = inside ? names.map((name) => join(place, name)).find(existsSync) : place;
  if (file !== undefined && existsSync(file)) return file;
  throw new EtalonError("NOT_FOUND", {
    argument: "adapter",
    value: place,
    allowed: `a file, or a folder with ${names.slice(0, -1).join(", ")} or ${names.at(-1)}`,
  });
}

/** What the file's header, or the adapter_config.json beside it, says of the part's adapter. */
function settingsOf(file: string, stored: SafetensorsFile, part: string): Record<string, unknown> {
  const beside = join(dirname(file), "adapter_config.json");
  const text = stored.metadata.lora_adapter_metadata ?? (file.endsWith(adapterFiles.peft) && existsSync(beside) ? readFileSync(beside, "utf8") : "{}"); // biome-ignore format: one thought
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new EtalonError("BAD_FILE", { argument: "adapter", value: file, allowed: "a header or adapter_config.json that is JSON" }); // biome-ignore format: one thought
  }
  const prefix = `${part}.`;
  const settings = Object.fromEntries(
    Object.entries(json).map(([key, value]) => [key.startsWith(prefix) ? key.slice(prefix.length) : key, value]),
  );
  if (settings.use_dora === true) throw new EtalonError("UNSUPPORTED", { argument: `use_dora of ${file}`, value: true, allowed: "false" }); // biome-ignore format: one thought
  return settings;
}

const unfit = (file: string, key: string, allowed: string) =>
  new EtalonError(
    "BAD_FILE",
    { argument: "adapter", value: key, allowed },
    { message: `${file}: ${key} does not fit; allowed: ${allowed}.` },
  );
