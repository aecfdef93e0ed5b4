import type { SafetensorsFile } from "@etalon/weights";

/** The tensors of a model's files, wherever they lie: read one at a time, or in parts. */
export interface WeightSource extends Pick<SafetensorsFile, "names" | "info" | "get" | "readInto"> {
  /** Where they come from, for messages. */
  readonly place: string;
}
