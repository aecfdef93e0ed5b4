/** The element types of the safetensors format with their size in bits, in the format's own order, which its writers sort tensors by. */
export const dtypeBits = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

export type Dtype = keyof typeof dtypeBits;

/**
 * The bytes of a tensor as a typed array. F16 and BF16 stay raw 16-bit words, the 8-bit floats raw bytes: `toFloat32` unpacks them. BOOL is one byte each, 0 or 1. F4 and the 6-bit floats
 * are their packed bytes. C64 is real and imaginary part in turn: twice as many numbers as elements.
 */
export type TensorData =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** A tensor at rest. `data` holds the product of `shape` elements, row-major. */
export interface StoredTensor {
  dtype: Dtype;
  shape: readonly number[];
  data: TensorData;
}

const arrays = {
  BOOL: Uint8Array,
  F4: Uint8Array,
  F6_E2M3: Uint8Array,
  F6_E3M2: Uint8Array,
  U8: Uint8Array,
  I8: Int8Array,
  F8_E5M2: Uint8Array,
  F8_E4M3: Uint8Array,
  F8_E8M0: Uint8Array,
  F8_E4M3FNUZ: Uint8Array,
  F8_E5M2FNUZ: Uint8Array,
  I16: Int16Array,
  U16: Uint16Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I32: Int32Array,
  U32: Uint32Array,
  F32: Float32Array,
  C64: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
} as const;

/** A typed array over `bytes` for a dtype. `bytes` begins at an address that is a multiple of 8. */
export function viewAs(dtype: Dtype, bytes: Uint8Array): TensorData {
  const Kind = arrays[dtype];
  return new Kind(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / Kind.BYTES_PER_ELEMENT);
}

/** Whether `data` is the typed array that `dtype` is kept in. */
export const fitsDtype = (dtype: Dtype, data: TensorData): boolean => data instanceof arrays[dtype];

/** Bytes of an element: less than 1, no whole number, for 4- and 6-bit floats. */
export const bytesOf = (dtype: Dtype): number => dtypeBits[dtype] / 8;

/** The bytes of such a tensor; no whole number where 4- and 6-bit elements do not fill their last byte; infinite where a product passes 2^53. */
export function byteLength(dtype: Dtype, shape: readonly number[]): number {
  let elements = 1;
  for (const extent of shape) {
    elements *= extent;
    if (elements > Number.MAX_SAFE_INTEGER) return Number.POSITIVE_INFINITY;
  }
  const bytes = elements * bytesOf(dtype);
  return bytes <= Number.MAX_SAFE_INTEGER ? bytes : Number.POSITIVE_INFINITY;
}
