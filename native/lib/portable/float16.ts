import type { Half } from "../binding.ts";
import type { Elements } from "../Elements.ts";

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** The number that a word stands for; half 1: bfloat16, 2: float16. As src/core/float16.h, and exact. */
export function wordToNumber(half: Half, word: number): number {
  if (half === 1) {
    bits[0] = word << 16;
    return float[0];
  }
  const sign = word & 0x8000 ? -1 : 1;
  const exponent = (word >> 10) & 31;
  const fraction = word & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** The word nearest to a float32, ties to even. As src/core/float16.h. */
export function numberToWord(half: Half, value: number): number {
  float[0] = value;
  const all = bits[0];
  const magnitude = all & 0x7fffffff;
  if (half === 1) {
    return magnitude > 0x7f800000 ? (all >>> 16) | 0x40 : ((all + 0x7fff + ((all >>> 16) & 1)) >>> 16) & 0xffff;
  }
  const sign = (all >>> 16) & 0x8000;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x1ff);
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  bits[0] = magnitude;
  float[0] = float[0] + 0.5; // the sum's last bit is 2^−24: it rounds as wanted
  return sign | (bits[0] - 0x3f000000);
}

/** An element of an array as a number. */
export function numberOf(array: Elements, half: Half, element: number): number {
  return array instanceof Float32Array ? element : wordToNumber(half, element);
}

/** An array as float32; a Float32Array is given back as it is. */
export function widened(array: Elements, half: Half): Float32Array {
  if (array instanceof Float32Array) return array;
  const out = new Float32Array(array.length); // a loop: TypedArray.from with a function takes a hundred times as long
  for (let i = 0; i < array.length; i++) out[i] = wordToNumber(half, array[i]);
  return out;
}
