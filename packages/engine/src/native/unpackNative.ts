import { EtalonError } from "@etalon/errors";
import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { NativeBackend, sizeOf } from "./NativeBackend.ts";
import { writtenNative } from "./writtenNative.ts";

/** Bit patterns written straight into a new tensor of the native engine; undefined where another one runs. @throws EtalonError BAD_SHAPE */
export function unpackNative(kind: "bf16" | "f16", bits: Uint16Array, shape: number[]): Tensor | undefined {
  const backend = tf.backend();
  const heavy = backend instanceof NativeBackend ? backend.heavy : undefined;
  if (heavy?.unpack === undefined) return undefined;
  if (sizeOf(shape) !== bits.length)
    throw new EtalonError("BAD_SHAPE", { argument: "shape", value: shape, allowed: `one of ${bits.length} elements` });
  return writtenNative(shape, (values) => heavy.unpack(kind, bits, values));
}
