import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import { Tokenizer } from "@huggingface/tokenizers";
import type { PromptTokenizer } from "../pipelines/PromptTokenizer.ts";
import { readJson } from "../readJson.ts";
import { type BpeVocabulary, clipTokenizerJson, specialTokens } from "./clipTokenizerJson.ts";

/**
 * CLIP's tokenizer from a folder as transformers writes it: tokenizer.json, or vocab.json and merges.txt; the length and the padding of tokenizer_config.json (77, and the token of
 * the end, where it tells none). A longer prompt is cut, its last id kept as the end, and a warning is told once. Special tokens inside a text are read as such, as transformers does.
 * @throws EtalonError NOT_FOUND, BAD_FILE
 */
export function openTokenizer(folder: string): PromptTokenizer {
  const json = openJson(folder);
  const file = join(folder, "tokenizer_config.json");
  const settings = existsSync(file) ? readJson(file) : {};
  const tokenizer = new Tokenizer(json, settings);
  const idOf = (token: string) => {
    const id = tokenizer.token_to_id(token);
    if (id !== undefined) return id;
    throw new EtalonError("BAD_FILE", { argument: folder, value: token, allowed: "a vocabulary with it" });
  };
  const [first, last, padding] = [...specialTokens, nameOf(settings.pad_token) ?? specialTokens[1]].map(idOf);
  const most = settings.model_max_length;
  const length = typeof most === "number" && most < 1e6 ? most : 77;
  let warned = false;
  return {
    length,
    encode(prompt) {
      const { ids } = tokenizer.encode(prompt, { add_special_tokens: false });
      if (ids.length > length - 2 && !warned) {
        warned = true;
        process.emitWarning(
          `A prompt of ${ids.length} tokens is cut to the first ${length - 2}; so are others as long.`,
        );
      }
      const all = [first, ...ids.slice(0, length - 2), last];
      return Int32Array.from({ length }, (_, i) => all[i] ?? padding);
    },
  };
}

/** A special token as configs have it: its text, or an object with it. */
function nameOf(token: unknown): string | undefined {
  if (typeof token === "string") return token;
  const content = (token as { content?: unknown } | null | undefined)?.content;
  return typeof content === "string" ? content : undefined;
}

/** What @huggingface/tokenizers takes. */
function openJson(folder: string): object {
  const [whole, vocab, merges] = ["tokenizer.json", "vocab.json", "merges.txt"].map((name) => join(folder, name));
  if (existsSync(whole)) {
    const json = readJson(whole) as { model?: Partial<BpeVocabulary> };
    const usual = clipTokenizerJson(checked(folder, json.model?.vocab, json.model?.merges)) as { model: object };
    return { ...usual, ...json, model: { ...usual.model, ...json.model } };
  }
  if (existsSync(vocab) && existsSync(merges)) {
    const lines = readFileSync(merges, "utf8").split(/\r?\n/);
    const pairs = lines.filter((line) => line !== "" && !line.startsWith("#version"));
    return clipTokenizerJson(checked(folder, readJson(vocab), pairs));
  }
  throw new EtalonError("NOT_FOUND", {
    argument: "tokenizer",
    value: folder,
    allowed: "a folder with tokenizer.json, or vocab.json and merges.txt",
  });
}

function checked(folder: string, vocab: unknown, merges: unknown): BpeVocabulary {
  const refuse = (value: unknown, allowed: string) => new EtalonError("BAD_FILE", { argument: folder, value, allowed });
  const wrong = Object.entries((vocab ?? {}) as object).find(([, id]) => !Number.isSafeInteger(id) || id < 0);
  if (wrong) throw refuse(wrong, "tokens with whole numbers");
  const isPair = (pair: unknown) => (typeof pair === "string" ? pair.split(" ") : (pair as string[])).length === 2;
  if (!Array.isArray(merges)) throw refuse(merges, "merges of two pieces each");
  const odd = merges.findIndex((pair) => !(typeof pair === "string" || Array.isArray(pair)) || !isPair(pair));
  if (odd >= 0) throw refuse(merges[odd], "merges of two pieces each");
  return { vocab: (vocab ?? {}) as BpeVocabulary["vocab"], merges };
}
