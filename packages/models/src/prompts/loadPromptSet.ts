import { check, EtalonError } from "@etalon/errors";
import { isHeldOut } from "./isHeldOut.ts";
import { findPrompts } from "./loadPrompts.ts";
import type { Prompt } from "./Prompt.ts";

/** What to train on: a list by its name or file, or a mixture of lists. */
export type PromptSource = string | { mix: readonly { prompts: string; weight?: number }[]; heldOut?: number };

/** A list of a mixture. */
export interface PromptPart {
  /** Its share of the prompts drawn is its weight over the sum of all. */
  weight: number;
  /** Texts, none twice. */
  prompts: readonly string[];
}

/** The prompts of a training: what is trained on, and what is kept out of it. */
export interface PromptSet {
  parts: readonly PromptPart[];
  heldOut: readonly string[];
  /** What files say of prompts, by their text. */
  metadata: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** What was left out and why, in sentences. */
  notes: readonly string[];
}

/**
 * Loads the prompts to train on. A text that comes again in its list counts once. A prompt that one list holds out is held out of all.
 * @param source  for a mixture, `heldOut` is the share that is held out by a hash of the text where no file decides (default 0)
 * @throws EtalonError NOT_FOUND, BAD_FILE: as `readPrompts`, a text that its file both trains on and holds out, or a list with nothing to train on
 */
export function loadPromptSet(source: PromptSource): PromptSet {
  const { mix, heldOut: share = 0 } = typeof source === "string" ? { mix: [{ prompts: source }] } : source;
  check.that(mix.length > 0, "BAD_SHAPE", { argument: "prompts.mix", value: mix, allowed: "one list or more" });
  check.range("prompts.heldOut", share, { min: 0, max: 1 });
  const notes: string[] = [];
  const place = (i: number) => (typeof source === "string" ? "prompts" : `prompts.mix.${i}.prompts`);
  const lists = mix.map(({ prompts: name, weight = 1 }: { prompts: string; weight?: number }, i) => {
    check.range(`prompts.mix.${i}.weight`, weight, { above: 0 });
    return { name, weight, prompts: distinct(name, findPrompts(name, place(i)), notes) };
  });
  const out = new Set(lists.flatMap(({ prompts }) => prompts.filter((prompt) => isHeldOut(prompt, share)).map(({ text }) => text))); // biome-ignore format: one thought
  const parts = lists.map(({ name, weight, prompts }, i) => {
    const kept = prompts.map(({ text }) => text).filter((text) => !out.has(text));
    if (kept.length === 0) throw new EtalonError("BAD_FILE", { argument: place(i), value: name, allowed: "a list with prompts to train on", hint: `All of its ${prompts.length} are held out.` }); // biome-ignore format: one thought
    return { weight, prompts: kept };
  });
  const metadata = new Map(lists.flatMap(({ prompts }) => prompts.flatMap(({ text, metadata }) => (metadata ? [[text, metadata] as const] : [])))); // biome-ignore format: one thought
  return { parts, heldOut: [...out], metadata, notes };
}

/** The prompts of a list without those that repeat an earlier one. */
function distinct(name: string, prompts: readonly Prompt[], notes: string[]): Prompt[] {
  const seen = new Map<string, Prompt>();
  const repeats: string[] = [];
  for (const prompt of prompts) {
    const first = seen.get(prompt.text);
    if (first === undefined) seen.set(prompt.text, prompt);
    else if (first.heldOut === prompt.heldOut) repeats.push(`line ${prompt.line} repeats line ${first.line}`);
    else throw new EtalonError("BAD_FILE", { argument: `heldOut in line ${prompt.line} of ${name}`, value: prompt.heldOut, allowed: `as in line ${first.line}, which has the same prompt: ${first.heldOut}` }); // biome-ignore format: one thought
  }
  const shown = repeats.slice(0, 3).join(", ") + (repeats.length > 3 ? ", …" : "");
  if (repeats.length > 0) notes.push(`${name}: ${repeats.length} of ${prompts.length} prompts come again and count once (${shown})`); // biome-ignore format: one thought
  return [...seen.values()];
}
