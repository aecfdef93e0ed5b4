import { deserialize, serialize } from "node:v8";
import type { Communicator } from "./Communicator.ts";

/** Every rank's value, by rank: anything that structured clone takes, numbers and typed arrays to the bit. */
export async function gather<T>(communicator: Communicator, value: T): Promise<T[]> {
  if (communicator.size === 1) return [value];
  const all = await communicator.allgather(serialize(value));
  return all.map((bytes) => deserialize(bytes) as T);
}
