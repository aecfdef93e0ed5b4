import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { chooseWeights } from "@etalon/weights";
import { adapterFile } from "../lora/readAdapter.ts";

/**
 * One sha256 of the weights that a model's or adapter's folder is loaded from, part by part, whatever the folder's name: pictures drawn by other weights have another. A file in
 * the Hugging Face cache is not read: its name there is its hash.
 * @param place  a model's or pipeline's folder, an adapter's folder or file    @param variant  as loading was told    @returns 64 hexadecimal signs    @throws EtalonError NOT_FOUND: no weights
 */
export async function hashWeights(place: string, variant?: string): Promise<string> {
  const isModel = ["model_index.json", "config.json"].some((name) => existsSync(join(place, name)));
  const sum = createHash("sha256");
  for (const file of isModel ? weightFiles(place, variant) : [adapterFile(place)])
    sum.update(`${await hashOf(file)}\n`);
  return sum.digest("hex");
}

/** Parts of a pipeline that no picture needs. */
const passedOver = ["safety_checker", "feature_extractor"];

/** The weights' files of each part of a pipeline, or of a single model, in the order of their names. */
function weightFiles(folder: string, variant: string | undefined): string[] {
  const parts = existsSync(join(folder, "model_index.json")) ? readdirSync(folder).sort().map((name) => join(folder, name)) : [folder]; // biome-ignore format: one thought
  return parts.flatMap((part) => {
    if (!existsSync(part) || !statSync(part).isDirectory()) return [];
    const names = readdirSync(part).sort();
    const chosen = chooseWeights(names, variant);
    if (chosen === undefined || passedOver.includes(basename(part))) return [];
    const { weight_map: map = {} } = chosen.endsWith(".json") ? (JSON.parse(readFileSync(join(part, chosen), "utf8")) as { weight_map?: Record<string, string> }) : { weight_map: { whole: chosen } };
    return [...new Set(Object.values(map))].sort().map((name) => join(part, name));
  });
} // biome-ignore format: long lines

async function hashOf(file: string): Promise<string> {
  const real = realpathSync(file);
  if (basename(dirname(real)) === "blobs" && /^[0-9a-f]{64}$/.test(basename(real))) return basename(real);
  const sum = createHash("sha256");
  for await (const chunk of createReadStream(real, { highWaterMark: 1 << 20 })) sum.update(chunk as Buffer);
  return sum.digest("hex");
}
