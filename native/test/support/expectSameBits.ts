type Floats = Float32Array | Float64Array | Uint16Array;

/** Fails on the first element whose bits differ, with its index and both values. (Far faster than toEqual, and −0 is not 0.) */
export function expectSameBits(got: Floats, want: Floats): void {
  const bytes = (array: Floats) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  if (got.length === want.length && bytes(got).equals(bytes(want))) return;
  if (got.length !== want.length) throw new Error(`${got.length} elements, not ${want.length}`);
  const at = got.findIndex((value, i) => !Object.is(value, want[i]));
  throw new Error(`element ${at} is ${got[at]}, not ${want[at]}`);
}
