import type { StoredTensor } from "@etalon/weights";

/** The tensors of a model's files, wherever they lie: read one at a time. */
export interface WeightSource {
  /** Where they come from, for messages. */
  readonly place: string;
  readonly names: readonly string[];
  shape(name: string): readonly number[];
  get(name: string): StoredTensor;
}
