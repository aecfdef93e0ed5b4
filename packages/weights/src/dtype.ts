/** The element types of the safetensors format that this package reads and writes, with their size in bytes, in the format's own order. */
export const dtypeBytes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

export type Dtype = keyof typeof dtypeBytes;

/** The bytes of a tensor as a typed array. F16 and BF16 stay raw 16-bit words: `toFloat32` unpacks them. BOOL is one byte each, 0 or 1. */
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
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

/** A typed array over `bytes` for a dtype. `bytes` begins at an address that is a multiple of 8. */
export function viewAs(dtype: Dtype, bytes: Uint8Array): TensorData {
  const length = bytes.byteLength / dtypeBytes[dtype];
  return new arrays[dtype](bytes.buffer as ArrayBuffer, bytes.byteOffset, length);
}

/** Whether `data` is the typed array that `dtype` is kept in. */
export const fitsDtype = (dtype: Dtype, data: TensorData): boolean => data instanceof arrays[dtype];
