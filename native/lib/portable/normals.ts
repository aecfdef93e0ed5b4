import { philox } from "./philox.ts";

const f = Math.fround;
const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);
const words = new Uint32Array(4);

/**
 * Noise of `count` elements of one sample from element `first` (a multiple of 4) on, into out[at …]. Bit-equal to src/core/normal.h, operation by operation:
 * Math.fround after each + − × √ is float32 arithmetic, as a double holds any such result of two float32 before its one rounding.
 */
export function normals(
  seed: bigint,
  step: number,
  sample: number,
  first: number,
  count: number,
  out: Float32Array,
  at: number,
): void {
  const key0 = Number(seed & 0xffffffffn);
  const key1 = Number(seed >> 32n);
  for (let i = 0; i < count; i += 4) {
    words[0] = (first + i) / 4;
    words[1] = sample;
    words[2] = step;
    words[3] = 0;
    philox(words, key0, key1);
    const left = count - i;
    for (let pair = 0; pair < 4 && pair < left; pair += 2) {
      const radius = f(Math.sqrt(f(-2 * logUnit(words[pair]))));
      const t = f(f(words[pair + 1] | 0) * 2 ** -32);
      const quadrant = Math.trunc(f(f(t * 4) + 2.5)) - 2;
      const x = f(f(t - quadrant * 0.25) * f(6.28318530718));
      const xx = f(x * x);
      const s = sine(x, xx);
      const c = cosine(xx);
      const odd = (quadrant & 1) !== 0;
      out[at + i + pair] = radius * (((quadrant + 1) & 2) !== 0 ? -(odd ? s : c) : odd ? s : c);
      if (pair + 1 < left) out[at + i + pair + 1] = radius * ((quadrant & 2) !== 0 ? -(odd ? c : s) : odd ? c : s);
    }
  }
}

/** ln u of the word's u = (w + ½)/2^32, rounded to float32 on the way. Coefficients: Cephes logf. */
function logUnit(word: number): number {
  const whole = f(f((word >>> 16) * 65536) + (word & 0xffff));
  float[0] = f(whole * 2 ** -32) + 2 ** -33;
  const shifted = (bits[0] - 0x3f3504f3) | 0;
  const e = shifted >> 23;
  bits[0] = (shifted & 0x007fffff) + 0x3f3504f3;
  const m = f(float[0] - 1);
  const mm = f(m * m);
  let p = f(7.0376836292e-2);
  p = f(f(p * m) - f(1.151461031e-1));
  p = f(f(p * m) + f(1.167699874e-1));
  p = f(f(p * m) - f(1.2420140846e-1));
  p = f(f(p * m) + f(1.4249322787e-1));
  p = f(f(p * m) - f(1.6668057665e-1));
  p = f(f(p * m) + f(2.0000714765e-1));
  p = f(f(p * m) - f(2.4999993993e-1));
  p = f(f(p * m) + f(3.3333331174e-1));
  const tail = f(f(f(f(m * mm) * p) + f(e * f(-2.1219444e-4))) - f(0.5 * mm));
  return f(f(m + tail) + f(e * 0.693359375));
}

/** Coefficients: Cephes sinf. */
function sine(x: number, xx: number): number {
  const p = f(f(f(f(f(-1.9515295891e-4) * xx) + f(8.3321608736e-3)) * xx) - f(1.6666654611e-1));
  return f(f(f(p * xx) * x) + x);
}

/** Coefficients: Cephes cosf. */
function cosine(xx: number): number {
  const p = f(f(f(f(f(2.443315711809948e-5) * xx) - f(1.388731625493765e-3)) * xx) + f(4.166664568298827e-2));
  return f(f(f(f(p * xx) * xx) - f(0.5 * xx)) + 1);
}
