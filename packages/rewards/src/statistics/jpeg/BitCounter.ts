import type { Huffman } from "./tables.ts";

/** Counts the bytes of a stream of bits as JPEG stores it: a byte of ones is followed by a zero, and the last byte is filled up with ones. */
export class BitCounter {
  bytes = 0;
  #pending = 0;
  #bits = 0;

  /** @param size  0 to 16 bits */
  put(value: number, size: number): void {
    this.#pending = (this.#pending << size) | value;
    this.#bits += size;
    while (this.#bits >= 8) {
      this.#bits -= 8;
      const byte = this.#pending >> this.#bits;
      this.bytes += byte === 255 ? 2 : 1;
      this.#pending ^= byte << this.#bits;
    }
  }

  symbol({ code, size }: Huffman, symbol: number): void {
    this.put(code[symbol], size[symbol]);
  }

  /** A number of `size` bits, the bits of a length that was written before: of one below zero those of itself less one. */
  number(value: number, size: number): void {
    this.put((value < 0 ? value - 1 : value) & ((1 << size) - 1), size);
  }

  end(): void {
    this.put(0x7f, 7);
    this.#bits = this.#pending = 0;
  }
}
