/** Tables of ITU-T T.81, Annex K, that libjpeg writes unless told otherwise. A quantiser's steps are in the blocks' order, row by row. */
const luminance = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
  18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
]; // biome-ignore format: a table
const chrominance = [
  17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
  ...Array<number>(32).fill(99),
]; // biome-ignore format: a table

/** Index in a block of the k-th coefficient of the zigzag. */
export const zigzag = Uint8Array.of(
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
); // biome-ignore format: a table

/** Codes by symbol: `code[s]` of `size[s]` bits. */
export interface Huffman {
  code: Uint16Array;
  size: Uint8Array;
}

/** Codes from how many there are of each length, 1 to 16 bits, and their symbols in order (T.81, Annex C). */
function huffman(counts: readonly number[], symbols: ArrayLike<number>): Huffman {
  const table = { code: new Uint16Array(256), size: new Uint8Array(256) };
  let [code, at] = [0, 0];
  for (const [i, count] of counts.entries()) {
    for (let n = 0; n < count; n++) {
      table.code[symbols[at]] = code++;
      table.size[symbols[at++]] = i + 1;
    }
    code <<= 1;
  }
  return table;
}

const categories = Array.from({ length: 12 }, (_, i) => i);
const bytes = (hex: string) => Buffer.from(hex.replaceAll(/\s/g, ""), "hex");

/** What a component is coded with: the first coefficient's table, and that of the others. */
interface Coding {
  dc: Huffman;
  ac: Huffman;
}

const luminanceCoding: Coding = {
  dc: huffman([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], categories),
  ac: huffman(
    [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
    bytes(`01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a
      434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3
      c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa`),
  ),
}; // biome-ignore format: a table
const chrominanceCoding: Coding = {
  dc: huffman([0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], categories),
  ac: huffman(
    [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
    bytes(`000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a
      434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2
      c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa`),
  ),
}; // biome-ignore format: a table

/** How a component is quantised and coded at a quality. */
export interface ComponentTables extends Coding {
  /** Steps of the coefficients as `forwardDct` gives them, eight times too large. */
  steps: Int32Array;
}

/** The tables of brightness and of colour. */
export interface JpegTables {
  luminance: ComponentTables;
  chrominance: ComponentTables;
}

/** The tables at a quality, 1 to 100, as libjpeg's jpeg_set_quality scales them. */
export function jpegTables(quality: number): JpegTables {
  const percent = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  const scaled = (steps: readonly number[]) =>
    Int32Array.from(steps, (step) => 8 * Math.max(1, Math.min(255, Math.floor((step * percent + 50) / 100))));
  return {
    luminance: { ...luminanceCoding, steps: scaled(luminance) },
    chrominance: { ...chrominanceCoding, steps: scaled(chrominance) },
  };
}
