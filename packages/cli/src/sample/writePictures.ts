import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { check, EtalonError } from "@etalon/errors";
import { encodePng, gridPng, type ImageBatch, pngText } from "@etalon/models";
import writeFileAtomic from "write-file-atomic";
import type { PictureConfig } from "./PictureConfig.ts";
import { keyword } from "./pictureConfigOf.ts";

/** Pictures along a row of a grid, at the most; small ones are enlarged to about so many pixels. */
const [mostAcross, enlargedTo] = [12, 96];

const isFolder = (output: string): boolean =>
  extname(output) === "" || (existsSync(output) && statSync(output).isDirectory());

/** Makes the folder that pictures go to, before any is drawn. @throws EtalonError OUT_OF_RANGE: a file that is no PNG; IO */
export function prepareOutput(output: string): void {
  check.that(isFolder(output) || extname(output).toLowerCase() === ".png", "OUT_OF_RANGE", { argument: "--output", value: output, allowed: "a .png file, or a folder" }); // biome-ignore format: one thought
  const folder = isFolder(output) ? output : dirname(output);
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    const hint = `${cause instanceof Error ? cause.message : cause}.`;
    throw new EtalonError("IO", { argument: "--output", value: output, allowed: "a place that can be written", hint }, { cause }); // biome-ignore format: one thought
  }
}

/** Writes pictures with their config: one as it is, several as a grid, or one file each where `output` is a folder; then each file's config is its own. @returns the files */
export async function writePictures(images: ImageBatch, config: PictureConfig, output: string): Promise<string[]> {
  if (!isFolder(output)) {
    const { count, width } = images;
    const scale = Math.max(1, Math.floor(enlargedTo / width));
    const columns = config.n > 1 ? Math.min(config.n, mostAcross) : undefined;
    const png = count === 1 ? await encodePng(images, 0) : await gridPng(images, { scale, columns });
    await writeFileAtomic(output, withConfig(png, config));
    return [output];
  }
  const files = Array.from({ length: images.count }, (_, i) => join(output, `${String(i).padStart(5, "0")}.png`));
  for (const [i, file] of files.entries()) {
    const own = { ...config, prompts: [config.prompts[Math.floor(i / config.n)]], n: 1, first: config.first + i };
    await writeFileAtomic(file, withConfig(await encodePng(images, i), own));
  }
  return files;
}

/** JSON in signs that a PNG's text may have: those beyond ASCII as \u…. */
function withConfig(png: Buffer, config: PictureConfig): Buffer {
  const json = JSON.stringify(config).replace(/[^\x20-\x7e]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`); // biome-ignore format: one thought
  return pngText.add(png, keyword, json);
}
