import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { assets } from "../assets.ts";
import { readPrompts } from "./readPrompts.ts";

const folder = join(assets, "prompts");

/** What DDPO's animals do. */
const activities = ["riding a bike", "playing chess", "washing dishes"];

/** Lists that are made from others. */
const made: Readonly<Record<string, () => string[]>> = {
  "simple-animals-rich": () => builtInPrompts("simple-animals").map(enrich),
  "imagenet-animals-rich": () => builtInPrompts("imagenet-animals").map(enrich),
  "nouns-activities": () => builtInPrompts("simple-animals").flatMap((noun) => activities.map((activity) => `${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun} ${activity}`)), // biome-ignore format: one thought
  "nouns-activities-rich": () => builtInPrompts("nouns-activities").map(enrich),
};

/** The prompt lists that the package carries. */
export const promptLists = (): string[] =>
  [
    ...readdirSync(folder)
      .filter((file) => file.endsWith(".txt"))
      .map((file) => file.slice(0, -4)),
    ...Object.keys(made),
  ].sort();

/** A list that the package carries, by one of the names of `promptLists`. */
export const builtInPrompts = (name: string): string[] =>
  made[name]?.() ?? readPrompts(`${folder}/${name}.txt`).map(({ text }) => text);

const places = ["in a quiet park", "on a wooden pier by a lake", "in a sunlit meadow", "on a snowy mountain path", "beside a small stone bridge", "in a busy market street", "under a blossoming tree", "on a sandy beach"]; // biome-ignore format: a list
const lights = ["soft morning light", "golden evening light", "light fog", "a clear blue sky", "warm lantern light", "light rain", "deep shadows", "a full moon"]; // biome-ignore format: a list
const styles = ["detailed oil painting", "watercolor on textured paper", "wide-angle photograph, sharp focus", "pencil drawing with fine lines", "storybook illustration", "film photograph, shallow depth of field", "paper collage, layered", "studio photograph, high detail"]; // biome-ignore format: a list

/** A prompt with place, light and style added: always the same ones to the same prompt, whatever list it is in. */
function enrich(text: string): string {
  const [place, light, style] = createHash("sha256").update(text).digest();
  return [text, places[place % 8], lights[light % 8], styles[style % 8]].join(", ");
}
