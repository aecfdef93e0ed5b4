import { floatKinds, lightKernels } from "@etalon/native/tensor";

/** The widths that `firstNotFinite` knows. */
export type FloatWidth = keyof typeof floatKinds;

/** Where the first NaN or infinity stands in float32 numbers, or in 16-bit words that mean F16 or BF16; −1: all are finite. The addon looks where it is there. */
export function firstNotFinite(width: FloatWidth, x: Float32Array | Uint16Array): number {
  const light = lightKernels();
  if (light?.firstNotFinite !== undefined) return light.firstNotFinite(floatKinds[width], x);
  return firstInJavaScript(width, x);
}

export function firstInJavaScript(width: FloatWidth, x: Float32Array | Uint16Array): number {
  if (width === "F32") {
    for (let i = 0; i < x.length; i++) if (x[i] - x[i] !== 0) return i;
    return -1;
  }
  const exponent = width === "F16" ? 0x7c00 : 0x7f80;
  for (let i = 0; i < x.length; i++) if ((x[i] & exponent) === exponent) return i;
  return -1;
}
