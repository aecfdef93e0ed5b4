/** A byte-pair vocabulary: ids by token, and merges in the order in which they are made. */
export interface BpeVocabulary {
  vocab: Readonly<Record<string, number>>;
  merges: readonly (string | readonly [string, string])[];
}

/** The special tokens of CLIP: those of the beginning and of the end. */
export const specialTokens = ["<|startoftext|>", "<|endoftext|>"] as const;

/**
 * The tokenizer.json that transformers writes for CLIP (Radford et al., arXiv:2103.00020), for a folder that has only vocab.json and merges.txt: NFC, white space as one blank, lower
 * case; words are contractions, runs of letters, single digits, runs of other signs; of bytes, joined pair by pair, a word's last piece ending in `</w>`.
 */
export function clipTokenizerJson({ vocab, merges }: BpeVocabulary): object {
  return {
    added_tokens: specialTokens.flatMap((content) =>
      Object.hasOwn(vocab, content) ? [{ id: vocab[content], content, normalized: false, special: true }] : [],
    ),
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
        { type: "Lowercase" },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        {
          type: "Split",
          pattern: { Regex: "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+" },
          behavior: "Removed",
          invert: true,
        },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
      ],
    },
    post_processor: null,
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", unk_token: specialTokens[1], end_of_word_suffix: "</w>", fuse_unk: false, vocab, merges },
  };
}
