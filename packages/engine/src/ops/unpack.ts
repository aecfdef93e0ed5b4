import { check } from "@etalon/errors";
import { heavyKernels } from "@etalon/native/tensor";
import type { Tensor } from "@tensorflow/tfjs";
import { unpackNative } from "../native/unpackNative.ts";
import { tf } from "../tf.ts";
import { asConstant } from "./isFrozen.ts";

/**
 * BF16 or F16 bit patterns, as checkpoints store them, as a float32 tensor; exact, infinities and NaN too. It is a constant: operations compute no gradient for it. The addon unpacks where it
 * is there, on every engine.
 * @param bits  one a value, in the machine's byte order    @param shape  as many elements as bits    @throws EtalonError OUT_OF_RANGE: no such kind
 */
export function unpack(kind: "bf16" | "f16", bits: Uint16Array, shape: number[]): Tensor {
  check.oneOf("kind", kind, ["bf16", "f16"]);
  const native = unpackNative(kind, bits, shape);
  if (native !== undefined) return asConstant(native);
  const heavy = heavyKernels();
  const values = new Float32Array(bits.length);
  if (heavy?.unpack !== undefined) heavy.unpack(kind, bits, values);
  else unpackEach(bits, kind === "bf16" ? fromBf16 : fromF16, values);
  return asConstant(tf.tensor(values, shape, "float32"));
}

/** A loop: TypedArray.from with a function takes a hundred times as long. */
function unpackEach(bits: Uint16Array, value: (bits: number) => number, values: Float32Array): void {
  for (let i = 0; i < bits.length; i++) values[i] = value(bits[i]);
}

const word = new Uint32Array(1);
const number = new Float32Array(word.buffer);

function fromBf16(bits: number): number {
  word[0] = bits << 16;
  return number[0];
}

function fromF16(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 0x1f, bits & 0x3ff];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
