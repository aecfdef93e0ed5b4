import type { Dtype } from "./dtype.ts";

/** An 8-bit float by its fields: sign, exponent, fraction. `nan` and `infinity` tell which words are none. */
interface Form {
  fraction: number;
  bias: number;
  /** FNUZ: finite, and unsigned zero: the word of −0 is the only NaN. */
  unsignedZero?: boolean;
  /** Infinity and NaNs where the exponent is all ones, as IEEE 754 has them. */
  ieee?: boolean;
}

const forms = {
  F8_E5M2: { fraction: 2, bias: 15, ieee: true },
  F8_E4M3: { fraction: 3, bias: 7 },
  F8_E4M3FNUZ: { fraction: 3, bias: 8, unsignedZero: true },
  F8_E5M2FNUZ: { fraction: 2, bias: 16, unsignedZero: true },
} as const satisfies Partial<Record<Dtype, Form>>;

export type Float8 = keyof typeof forms | "F8_E8M0";

export const isFloat8 = (dtype: Dtype): dtype is Float8 => dtype === "F8_E8M0" || Object.hasOwn(forms, dtype);

const tables = new Map<Float8, Float32Array>();

/** The 256 values of an 8-bit float, exact in float32, by their words. E8M0 is an exponent alone: 2^(word − 127), its last word NaN. */
export function float8Values(dtype: Float8): Float32Array {
  let table = tables.get(dtype);
  if (table === undefined) {
    const value = dtype === "F8_E8M0" ? scale : (word: number) => numberOf(forms[dtype], word);
    table = Float32Array.from({ length: 256 }, (_, word) => value(word));
    tables.set(dtype, table);
  }
  return table;
}

const scale = (word: number): number => (word === 255 ? Number.NaN : 2 ** (word - 127));

function numberOf({ fraction, bias, unsignedZero = false, ieee = false }: Form, word: number): number {
  const sign = word & 0x80 ? -1 : 1;
  const magnitude = word & 0x7f;
  const steps = 2 ** fraction;
  const [exponent, rest] = [magnitude >> fraction, magnitude % steps];
  if (unsignedZero && word === 0x80) return Number.NaN;
  if (ieee && magnitude >> fraction === 0x7f >> fraction) return rest ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (!ieee && !unsignedZero && magnitude === 0x7f) return Number.NaN;
  if (exponent === 0) return (sign * rest * 2 ** (1 - bias)) / steps;
  return sign * (1 + rest / steps) * 2 ** (exponent - bias);
}
