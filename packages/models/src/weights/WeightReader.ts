import { type FloatWidth, firstNotFinite, turnRows } from "@etalon/engine";
import { bytesOf, notFinite, toFloat32, viewAs } from "@etalon/weights";
import type { ParameterSpec } from "../nn/layout.ts";
import { rowsOf } from "../nn/layout.ts";
import type { WeightSource } from "./WeightSource.ts";

/** Rows of a part are a multiple of so many: what becomes of them in memory fills whole lines of the cache. */
const rowsTogether = 32;

/** Numbers in memory: 16-bit words as an F16 or BF16 file has them, or float32. */
export type Values = Float32Array | Uint16Array;

/**
 * Reads weights of a source into the order that memory has them in, in parts: one buffer for all of them, and what lies the same way in both is read straight into its place.
 * Numbers are looked at while they are in the cache.
 */
export class WeightReader {
  readonly #source: WeightSource;
  readonly #finite: boolean;
  readonly #partBytes: number;
  #buffer = new Uint8Array(0);

  /**
   * @param finite  whether NaN and infinity are refused
   * @param partBytes  read at a time, about: so many are still in the processor's cache when they are looked at and turned
   */
  constructor(source: WeightSource, finite: boolean, partBytes = 2 ** 21) {
    this.#source = source;
    this.#finite = finite;
    this.#partBytes = partBytes;
  }

  /**
   * Fills `target` with the source's tensor `key`, laid out as in memory.
   * @param target  words for an F16 or BF16 tensor, or float32 numbers for any float dtype    @throws EtalonError BAD_FILE: NaN or infinity, by tensor and index; what the source throws
   */
  read(key: string, spec: ParameterSpec, target: Values): void {
    const { dtype } = this.#source.info(key);
    const { outputs, inputs, taps } = rowsOf(spec);
    const row = inputs * taps;
    const asItIs = target instanceof Uint16Array || dtype === "F32";
    const straight = asItIs && spec.layout === "plain";
    const bytes = row * bytesOf(dtype);
    const most = Math.max(Math.floor(this.#partBytes / bytes / rowsTogether), 1) * rowsTogether;
    for (let first = 0; first < outputs; first += most) {
      const rows = Math.min(most, outputs - first);
      const memory = straight ? bytesIn(target, first, rows) : this.#memory(rows * bytes);
      this.#source.readInto(key, memory, first * bytes);
      const words = viewAs(dtype, memory);
      const values = asItIs ? (words as Values) : toFloat32({ dtype, shape: [rows, row], data: words });
      if (this.#finite) this.#check(key, values, first * row);
      if (spec.layout !== "plain") turnRows<Values>(values, target, { rows, inputs, taps, outputs, first });
      else if (!straight) target.set(values, first);
    }
  }

  #memory(length: number): Uint8Array {
    if (this.#buffer.length < length) this.#buffer = new Uint8Array(length);
    return this.#buffer.subarray(0, length);
  }

  #check(key: string, values: Values, from: number): void {
    const { dtype, shape } = this.#source.info(key);
    const at = firstNotFinite(values instanceof Uint16Array ? (dtype as FloatWidth) : "F32", values);
    if (at >= 0) throw notFinite(this.#source.place, key, shape, from + at);
  }
}

const bytesIn = ({ buffer, byteOffset, BYTES_PER_ELEMENT }: Values, first: number, count: number): Uint8Array =>
  new Uint8Array(buffer, byteOffset + first * BYTES_PER_ELEMENT, count * BYTES_PER_ELEMENT);
