import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import type { PromptTokenizer } from "../pipelines/PromptTokenizer.ts";
import { readJson } from "../readJson.ts";
import { type BpeVocabulary, ClipBpe } from "./ClipBpe.ts";

const [begin, end] = ["<|startoftext|>", "<|endoftext|>"];

/**
 * CLIP's tokenizer from a folder as transformers writes it: vocab.json and merges.txt, or tokenizer.json; the length and the padding of tokenizer_config.json (77, and the token of
 * the end, where it tells none). A longer prompt is cut, its last id kept as the end, and a warning is told once.
 * @throws EtalonError NOT_FOUND, BAD_FILE
 */
export function openTokenizer(folder: string): PromptTokenizer {
  const vocabulary = openVocabulary(folder);
  const bpe = new ClipBpe(vocabulary);
  const settings = existsSync(join(folder, "tokenizer_config.json")) ? readJson(join(folder, "tokenizer_config.json")) : {};
  const idOf = (token: string) => {
    const id = vocabulary.ids.get(token);
    if (id !== undefined) return id;
    throw new EtalonError("BAD_FILE", { argument: folder, value: token, allowed: "a vocabulary with it" });
  };
  const [first, last, padding] = [begin, end, nameOf(settings.pad_token) ?? end].map(idOf);
  const most = settings.model_max_length;
  const length = typeof most === "number" && most < 1e6 ? most : 77;
  let warned = false;
  return {
    length,
    encode(prompt) {
      const ids = bpe.encode(prompt);
      if (ids.length > length - 2 && !warned) {
        warned = true;
        process.emitWarning(`A prompt of ${ids.length} tokens is cut to the first ${length - 2}; so are others as long.`);
      }
      const all = [first, ...ids.slice(0, length - 2), last];
      return Int32Array.from({ length }, (_, i) => all[i] ?? padding);
    },
  };
} // biome-ignore format: long lines

/** A special token as configs have it: its text, or an object with it. */
function nameOf(token: unknown): string | undefined {
  if (typeof token === "string") return token;
  const content = (token as { content?: unknown } | null | undefined)?.content;
  return typeof content === "string" ? content : undefined;
}

function openVocabulary(folder: string): BpeVocabulary {
  const [vocab, merges, whole] = ["vocab.json", "merges.txt", "tokenizer.json"].map((name) => join(folder, name));
  if (existsSync(vocab) && existsSync(merges)) {
    const lines = readFileSync(merges, "utf8").split(/\r?\n/);
    return checked(folder, readJson(vocab), lines.filter((line) => line !== "" && !line.startsWith("#version")));
  }
  if (existsSync(whole)) {
    const json = readJson(whole) as { model?: { vocab?: unknown; merges?: unknown }; added_tokens?: unknown };
    const added = Array.isArray(json.added_tokens) ? (json.added_tokens as { content: string; id: number }[]) : [];
    const extra = Object.fromEntries(added.map(({ content, id }) => [content, id]));
    return checked(folder, { ...(json.model?.vocab as object), ...extra }, json.model?.merges);
  }
  throw new EtalonError("NOT_FOUND", { argument: "tokenizer", value: folder, allowed: "a folder with vocab.json and merges.txt, or tokenizer.json" }); // biome-ignore format: one thought
} // biome-ignore format: long lines

function checked(folder: string, vocab: object, merges: unknown): BpeVocabulary {
  const ids = new Map(Object.entries(vocab) as [string, number][]);
  const wrong = [...ids].find(([, id]) => !Number.isSafeInteger(id) || id < 0);
  if (wrong) throw new EtalonError("BAD_FILE", { argument: folder, value: wrong, allowed: "tokens with whole numbers" });
  const pairs = Array.isArray(merges) ? merges.map((pair) => (typeof pair === "string" ? pair.split(" ") : pair)) : [];
  const odd = pairs.find((pair) => !Array.isArray(pair) || pair.length !== 2);
  if (odd !== undefined || !Array.isArray(merges)) throw new EtalonError("BAD_FILE", { argument: folder, value: odd, allowed: "merges of two pieces each" }); // biome-ignore format: one thought
  return { ids, merges: pairs as [string, string][] };
} // biome-ignore format: long lines
