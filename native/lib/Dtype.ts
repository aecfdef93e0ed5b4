/** What the words of a Uint16Array are: bfloat16 (the upper half of a float32) or IEEE float16. */
export type Dtype = "bfloat16" | "float16";
