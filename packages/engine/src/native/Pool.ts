import { EtalonError } from "@etalon/errors";
import type { LightArray, LightKernels } from "@etalon/native/tensor";

/** The dtypes that the pool gives arrays for. */
export type NumericType = "float32" | "int32" | "bool";

const constructors = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** What the pool holds, in bytes. */
export interface PoolState {
  /** In arrays that are handed out. */
  used: number;
  /** In arrays that wait to be handed out again. */
  free: number;
  /** Arrays handed out, by way of new memory and of memory used before. */
  made: number;
  reused: number;
}

/**
 * Arrays over the addon's memory, used again. Sizes are rounded up to classes, quarter powers of two, so that what one tensor gave back fits the next. One rule: an array
 * belongs to who took it until it is given back, once; then nobody may hold it. Above a limit, free memory goes back to the system at once.
 */
export class Pool {
  readonly #kernels: Pick<LightKernels, "allocate" | "release">;
  /** Free arrays by their class. The views are kept with their memory: most come back in the length they had. */
  readonly #free: LightArray[][] = [];
  readonly #out = new Set<ArrayBufferLike>();
  readonly #mostFree: number;
  readonly #most: number;
  /** What was given back while memory was held on to; undefined: it is not. */
  #held: LightArray[] | undefined;
  readonly #state: PoolState = { used: 0, free: 0, made: 0, reused: 0 };

  /** @param mostFree  bytes kept for use again    @param most  bytes in all */
  constructor(kernels: Pick<LightKernels, "allocate" | "release">, mostFree: number, most: number) {
    this.#kernels = kernels;
    this.#mostFree = mostFree;
    this.#most = most;
  }

  get state(): PoolState {
    return { ...this.#state };
  }

  /**
   * An array of `length` elements, 64-byte aligned, holding anything. One of no elements is no one's.
   * @throws EtalonError UNSUPPORTED: there is not so much memory; nothing has changed then, but that free memory may have gone back to the system
   */
  take(dtype: NumericType, length: number): LightArray {
    const Kind = constructors[dtype];
    if (length === 0) return new Kind(0);
    const bytes = length * Kind.BYTES_PER_ELEMENT;
    const index = classOf(bytes);
    const known = this.#free[index]?.pop();
    const array =
      known === undefined
        ? new Kind(this.#make(sizeOf(index)), 0, length)
        : known.length === length && known instanceof Kind
          ? known
          : new Kind(known.buffer as ArrayBuffer, 0, length);
    const held = array.buffer.byteLength;
    if (known !== undefined) {
      this.#state.free -= held;
      this.#state.reused += 1;
    }
    this.#state.used += held;
    this.#out.add(array.buffer);
    return array;
  }

  /** Takes an array back. @throws EtalonError NATIVE: it was not taken here, or was given back before */
  give(array: LightArray): void {
    if (array.length === 0) return;
    if (!this.#out.delete(array.buffer)) {
      throw new EtalonError("NATIVE", {}, { message: "A tensor's memory was given back twice, or is not the pool's." });
    }
    if (this.#held) this.#held.push(array);
    else this.#recycle(array);
  }

  /** Runs `run`; what it gives back is used again only after it. For tfjs's own kernels: some read values of tensors that they have disposed. */
  holding<T>(run: () => T): T {
    if (this.#held) return run();
    const held: LightArray[] = [];
    this.#held = held;
    try {
      return run();
    } finally {
      this.#held = undefined;
      for (const array of held) this.#recycle(array);
    }
  }

  #recycle(array: LightArray): void {
    const bytes = array.buffer.byteLength;
    this.#state.used -= bytes;
    if (this.#state.free + bytes > this.#mostFree) {
      this.#kernels.release(array.buffer as ArrayBuffer);
      return;
    }
    this.#state.free += bytes;
    const index = classOf(bytes);
    this.#free[index] ??= [];
    this.#free[index].push(array);
  }

  /** Whether `array` lies in memory that is handed out. */
  owns(array: LightArray): boolean {
    return this.#out.has(array.buffer);
  }

  /** Gives all free memory back to the system. */
  trim(): void {
    for (const arrays of this.#free) {
      for (const array of arrays ?? []) this.#kernels.release(array.buffer as ArrayBuffer);
      if (arrays) arrays.length = 0;
    }
    this.#state.free = 0;
  }

  #make(bytes: number): ArrayBuffer {
    if (this.#state.used + this.#state.free + bytes > this.#most) this.trim();
    if (this.#state.used + bytes > this.#most) throw this.#short(bytes);
    try {
      const buffer = this.#kernels.allocate(bytes);
      this.#state.made += 1;
      return buffer;
    } catch (error) {
      if (this.#state.free === 0) throw this.#short(bytes, error);
      this.trim();
      return this.#make(bytes);
    }
  }

  #short(bytes: number, cause?: unknown): EtalonError {
    const [needed, used, most] = [bytes, this.#state.used, this.#most].map((n) => `${(n / 2 ** 20).toFixed(1)} MiB`);
    return new EtalonError("UNSUPPORTED", { argument: "size of a tensor", value: bytes, allowed: `at most ${this.#most - this.#state.used} bytes` }, {
      message: `Out of memory: a tensor of ${needed} is too much beside the ${used} in use; allowed: ${most} in all. Use smaller batches, or dispose what is not needed.`,
      cause,
    }); // biome-ignore format: as short as it is
  }
}

/** Classes: 64, 80, 96, 112, 128, 160, … bytes, rounded up to 64: class 4k + q holds 2^k·(4 + q)/4 of them. */
function classOf(bytes: number): number {
  const units = Math.ceil(bytes / 64);
  if (units < 4) return units - 1;
  const k = units < 2 ** 31 ? 31 - Math.clz32(units) : Math.floor(Math.log2(units));
  const power = 2 ** k;
  const quarters = Math.ceil((units - power) / (power / 4));
  return 4 * (k - 2) + quarters + 3;
}

function sizeOf(index: number): number {
  if (index < 3) return 64 * (index + 1);
  const k = Math.floor((index - 3) / 4) + 2;
  return 64 * (2 ** k + ((index - 3) % 4) * 2 ** (k - 2));
}
