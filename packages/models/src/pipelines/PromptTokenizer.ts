/** Turns a prompt into a text encoder's ids. */
export interface PromptTokenizer {
  /** Ids a prompt gets: longer prompts are cut, shorter ones padded. */
  readonly length: number;
  /** int32 [length]; '' is the prompt that says nothing. */
  encode(prompt: string): Int32Array;
}
