import { check, EtalonError } from "@etalon/errors";
import { call } from "./call.ts";

/**
 * Philox4x32-10, the generator under all noise: four random words of a counter and a key. Bit-equal everywhere.
 * Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011).
 * @param counter  4 words    @param key  2 words    @throws EtalonError BAD_TYPE, BAD_SHAPE
 */
export function philox4x32(counter: Uint32Array, key: Uint32Array): Uint32Array {
  words("counter", counter, 4);
  words("key", key, 2);
  const out = new Uint32Array(4);
  call((binding) => binding.philox4x32(counter, key, out));
  return out;
}

function words(argument: string, value: unknown, length: number): void {
  if (!(value instanceof Uint32Array)) {
    throw new EtalonError("BAD_TYPE", { argument, value, allowed: `a Uint32Array of ${length} words` });
  }
  check.length(argument, value, length);
}
