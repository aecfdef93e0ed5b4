import { readFileSync } from "node:fs";
import { EtalonError } from "@etalon/errors";
import { words } from "./words.ts";

/** Ids that are no words: padding, and the prompt that says nothing (classifier-free guidance). */
const padId = 0;
const nullId = 1;

/** The word tokenizer of the tiny default: lower-case words by a fixed list, unknown words left out, padded to a fixed length. */
export class TinyTokenizer {
  readonly #ids: ReadonlyMap<string, number>;
  /** Tokens a prompt has, padding included. */
  readonly length: number;

  /** @param vocabulary  the words, from id 2 on    @param length  tokens a prompt */
  constructor(vocabulary: readonly string[], length: number) {
    this.#ids = new Map(vocabulary.map((word, i) => [word, i + 2]));
    this.length = length;
  }

  /** Reads tokenizer.json: `{"length": 12, "vocabulary": ["…"]}`. @throws EtalonError BAD_FILE */
  static fromFile(file: string): TinyTokenizer {
    const json = parse(file);
    if (json.vocabulary?.every((word) => typeof word === "string") && Number.isInteger(json.length)) {
      return new TinyTokenizer(json.vocabulary, json.length as number);
    }
    throw notATokenizer(file);
  }

  /** Ids there are, padding and the empty prompt included. */
  get size(): number {
    return this.#ids.size + 2;
  }

  get vocabulary(): string[] {
    return [...this.#ids.keys()];
  }

  /** int32 [length]: the first `length` known words; a prompt without any is the empty prompt. */
  encode(text: string): Int32Array {
    const known = words(text).flatMap((word) => this.#ids.get(word) ?? []);
    const ids = new Int32Array(this.length).fill(padId);
    ids.set(known.length > 0 ? known.slice(0, this.length) : [nullId]);
    return ids;
  }

  /** The words of a prompt that the model does not know. */
  unknown(text: string): string[] {
    return words(text).filter((word) => !this.#ids.has(word));
  }
}

function parse(file: string): { length?: number; vocabulary?: string[] } {
  try {
    const json = JSON.parse(readFileSync(file, "utf8")) as { length?: number; vocabulary?: string[] };
    return Array.isArray(json.vocabulary) ? json : {};
  } catch (cause) {
    throw notATokenizer(file, cause);
  }
}

const notATokenizer = (value: string, cause?: unknown) =>
  new EtalonError(
    "BAD_FILE",
    { argument: "tokenizer", value, allowed: "a JSON object with length and vocabulary" },
    { cause },
  );
