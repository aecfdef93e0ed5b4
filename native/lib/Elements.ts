/** An array of elements: float32, or 16-bit words whose meaning the call's `dtype` says. */
export type Elements = Float32Array | Uint16Array;
