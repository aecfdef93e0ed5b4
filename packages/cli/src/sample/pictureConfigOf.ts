import { existsSync, readFileSync } from "node:fs";
import { EtalonError } from "@etalon/errors";
import { pngText } from "@etalon/models";
import { parseConfig } from "@etalon/trainers";
import { PictureConfig } from "./PictureConfig.ts";

/** The keyword of the config in a PNG's texts. */
export const keyword = "etalon";

/** The config that a picture was drawn by. @throws EtalonError NOT_FOUND: no such file; BAD_FILE: no PNG, or none with a config; BAD_CONFIG: one that was edited, by its key */
export function pictureConfigOf(file: string): PictureConfig {
  if (!existsSync(file)) throw new EtalonError("NOT_FOUND", { argument: "--from", value: file, allowed: "a PNG that is there" }); // biome-ignore format: one thought
  const text = pngText.read(readFileSync(file), file).get(keyword);
  const allowed = "a PNG that etalon sample wrote";
  if (text === undefined) throw new EtalonError("BAD_FILE", { argument: "--from", value: file, allowed }, { message: `${file} tells nothing of how it was drawn; allowed: ${allowed}.` }); // biome-ignore format: one thought
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new EtalonError("BAD_FILE", { argument: "--from", value: file, allowed }, { message: `${file} has a config that is no JSON; allowed: ${allowed}.`, cause }); // biome-ignore format: one thought
  }
  try {
    return parseConfig(PictureConfig, json);
  } catch (error) {
    if (!EtalonError.is(error)) throw error;
    throw new EtalonError(error.code, error.detail, { message: `In ${file}: ${error.message}`, cause: error });
  }
}
