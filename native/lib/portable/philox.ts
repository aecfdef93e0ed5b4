/**
 * Philox4x32-10 in place: turns the counter (c0 … c3) in `words` into four random words. Bit-equal to src/core/philox.h.
 * Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011).
 */
export function philox(words: Uint32Array, key0: number, key1: number): void {
  let c0 = words[0];
  let c1 = words[1];
  let c2 = words[2];
  let c3 = words[3];
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < 10; round++) {
    const low0 = Math.imul(0xd2511f53, c0);
    const low1 = Math.imul(0xcd9e8d57, c2);
    const high0 = high(0xd2511f53, c0);
    const high1 = high(0xcd9e8d57, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

/** The upper 32 bits of a product of two words, by halves: no intermediate leaves the exact range of a double. */
function high(x: number, y: number): number {
  const xh = x >>> 16;
  const xl = x & 0xffff;
  const yh = y >>> 16;
  const yl = y & 0xffff;
  const middle = xh * yl + Math.floor((xl * yl) / 65536);
  const cross = xl * yh + (middle % 65536);
  return (xh * yh + Math.floor(middle / 65536) + Math.floor(cross / 65536)) | 0;
}
