import { check, EtalonError } from "@etalon/errors";
import type { StoredTensor } from "./dtype.ts";
import { float8Values, isFloat8 } from "./float8.ts";

const f32 = new Float32Array(1);
const bits = new Uint32Array(f32.buffer);

/** One IEEE binary16 word as a number: exact. */
export function fromHalf(word: number): number {
  const sign = word & 0x8000 ? -1 : 1;
  const exponent = (word >> 10) & 31;
  const fraction = word & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A number as an IEEE binary16 word, rounded to nearest, ties to even; over 65504 by half a step becomes infinite. */
export function toHalf(value: number): number {
  f32[0] = value;
  const word = bits[0];
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds to infinity
  if (magnitude >= 0x38800000) {
    const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return sign | ((rounded - 0x38000000) >>> 13);
  }
  const tiny = Math.abs(f32[0]) * 2 ** 24; // subnormal: a whole number of 2^-24 steps
  const floor = Math.floor(tiny);
  const rest = tiny - floor;
  return sign | (rest > 0.5 || (rest === 0.5 && floor & 1) ? floor + 1 : floor);
}

/** All 65536 words of F16 as numbers, made when first needed: 256 KB, and a word a load. */
let halves: Float32Array | undefined;

/** A float tensor of any width as float32: F64 is rounded, F16, BF16 and the 8-bit floats are exact; F32 is given back as it is. @throws EtalonError BAD_TYPE: not a float dtype */
export function toFloat32({ dtype, data }: StoredTensor): Float32Array {
  if (dtype === "F32") return data as Float32Array;
  if (dtype === "F64") return Float32Array.from(data as Float64Array);
  const words = data as Uint16Array | Uint8Array;
  const out = new Float32Array(words.length);
  if (dtype === "F16" || isFloat8(dtype)) {
    halves ??= Float32Array.from({ length: 65536 }, (_, word) => fromHalf(word));
    const table = dtype === "F16" ? halves : float8Values(dtype);
    for (let i = 0; i < out.length; i++) out[i] = table[words[i]];
  } else if (dtype === "BF16") {
    const bits = new Uint32Array(out.buffer);
    for (let i = 0; i < bits.length; i++) bits[i] = words[i] << 16;
  } else {
    throw new EtalonError("BAD_TYPE", { argument: "dtype", value: dtype, allowed: floatDtypes });
  }
  return out;
}

/** The dtypes that `toFloat32` takes, in words. */
export const floatDtypes = "F64, F32, F16, BF16, F8_E5M2, F8_E4M3, F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ";

/** float32 values in another float width, rounded to nearest, ties to even; F32 is given back as it is. NaN stays NaN, what is too large becomes infinite. */
export function fromFloat32(data: Float32Array, dtype: "F32" | "F16" | "BF16"): Float32Array | Uint16Array {
  check.oneOf("dtype", dtype, ["F32", "F16", "BF16"], "BAD_TYPE");
  if (dtype === "F32") return data;
  const out = new Uint16Array(data.length);
  if (dtype === "F16") {
    for (let i = 0; i < out.length; i++) out[i] = toHalf(data[i]);
  } else {
    const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
    for (let i = 0; i < out.length; i++) out[i] = toBrain(words[i]);
  }
  return out;
}

/** The bits of a float32 as a bfloat16 word. */
const toBrain = (word: number): number =>
  (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
