import { EtalonError } from "@etalon/errors";

/** A seed as the kernel takes it. @throws EtalonError OUT_OF_RANGE: not a whole number in 0 … 2^64 − 1, or a number too large to be exact */
export function seedOf(seed: unknown): bigint {
  if (typeof seed === "bigint" && seed >= 0n && seed < 1n << 64n) return seed;
  if (typeof seed === "number" && Number.isSafeInteger(seed) && seed >= 0) return BigInt(seed);
  throw new EtalonError("OUT_OF_RANGE", {
    argument: "seed",
    value: seed,
    allowed: "a whole number from 0 to 2^64 − 1",
    hint:
      typeof seed === "number" && seed > Number.MAX_SAFE_INTEGER ? "Write a large one as a bigint: 123n." : undefined,
  });
}
