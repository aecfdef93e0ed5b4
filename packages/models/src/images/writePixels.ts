/** Values in [−1, 1] as bytes of an image, from `begin` on: the nearest of 256, halves up; values outside are cut, NaN is 0. */
export function writePixels(values: Float32Array, data: Uint8Array, begin = 0): void {
  // A loop, and the array's own cutting of fractions: Math.round takes seven times as long, Uint8Array.from with a function far longer.
  for (let i = 0; i < values.length; i++) {
    const level = (values[i] + 1) * 127.5 + 0.5; // exact: 24 bits times 8
    data[begin + i] = Math.max(0, Math.min(255, level));
  }
}
