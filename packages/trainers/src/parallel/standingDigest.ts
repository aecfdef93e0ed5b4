import { createHash } from "node:crypto";
import type { Variable } from "@etalon/engine";

/** What tells one beginning of a run from another: what it is given (config and prompts), and the weights that are trained, to the bit. */
export function standingDigest(given: unknown, variables: ReadonlyMap<string, Variable>): string {
  const hash = createHash("sha256").update(JSON.stringify(given));
  for (const [name, variable] of variables) {
    const { buffer, byteOffset, byteLength } = variable.dataSync<"float32">();
    hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest("hex");
}
