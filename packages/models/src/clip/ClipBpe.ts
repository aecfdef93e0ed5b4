import { EtalonError } from "@etalon/errors";

/** A vocabulary: ids by token, and merges in the order in which they are made. */
export interface BpeVocabulary {
  ids: ReadonlyMap<string, number>;
  merges: readonly (readonly [string, string])[];
}

/** CLIP's words: contractions, runs of letters, single digits, runs of other signs. */
const words = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/giu;

/** CLIP's byte-level byte-pair encoding (Radford et al., arXiv:2103.00020): lower case, white space as one blank, words split to bytes, joined pair by pair; a word's last piece ends in `</w>`. */
export class ClipBpe {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #ranks: ReadonlyMap<string, number>;
  readonly #known = new Map<string, number[]>();

  constructor({ ids, merges }: BpeVocabulary) {
    this.#ids = ids;
    this.#ranks = new Map(merges.map(([a, b], rank) => [`${a} ${b}`, rank]));
  }

  /** A text's ids, without those of its beginning and end. @throws EtalonError BAD_FILE: a vocabulary that lacks a byte */
  encode(text: string): number[] {
    const clean = text.normalize("NFC").replace(/\s+/gu, " ").trim().toLowerCase();
    return (clean.match(words) ?? []).flatMap((word) => this.#wordIds(word));
  }

  #wordIds(word: string): number[] {
    const before = this.#known.get(word);
    if (before) return before;
    const ids = this.#pieces(word).map((piece) => {
      const id = this.#ids.get(piece);
      if (id === undefined) throw new EtalonError("BAD_FILE", { argument: "vocabulary", value: piece, allowed: "a vocabulary with every byte and every merged pair" }); // biome-ignore format: one thought
      return id;
    });
    this.#known.set(word, ids);
    return ids;
  }

  #pieces(word: string): string[] {
    const pieces = Array.from(new TextEncoder().encode(word), (byte) => byteSigns[byte]);
    pieces[pieces.length - 1] += "</w>";
    for (;;) {
      let [best, at] = [Number.POSITIVE_INFINITY, -1];
      for (let i = 0; i + 1 < pieces.length; i++) {
        const rank = this.#ranks.get(`${pieces[i]} ${pieces[i + 1]}`) ?? Number.POSITIVE_INFINITY;
        if (rank < best) [best, at] = [rank, i];
      }
      if (at < 0) return pieces;
      const pair = [pieces[at], pieces[at + 1]];
      for (let i = at; i + 1 < pieces.length; i++) {
        if (pieces[i] === pair[0] && pieces[i + 1] === pair[1]) pieces.splice(i, 2, pair[0] + pair[1]);
      }
    }
  }
}

/** GPT-2's printable sign for each byte: itself where it is printable, from 256 up in order of the others. */
export const byteSigns: readonly string[] = (() => {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
})();
