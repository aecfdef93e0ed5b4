import { imageAt } from "@etalon/models";

/** Letters of 3×5 pixels (some wider), rows from the top; what is not here is a blank. */
const glyphs = Object.fromEntries(
  `a .#. #.# ### #.# #.#|b ##. #.# ##. #.# ##.|c .## #.. #.. #.. .##|d ##. #.# #.# #.# ##.|e ### #.. ##. #.. ###|f ### #.. ##. #.. #..|g .## #.. #.# #.# .##
h #.# #.# ### #.# #.#|i ### .#. .#. .#. ###|j ..# ..# ..# #.# .#.|k #.# #.# ##. #.# #.#|l #.. #.. #.. #.. ###|m #...# ##.## #.#.# #...# #...#|n #..# ##.# #.## #..# #..#
o .#. #.# #.# #.# .#.|p ##. #.# ##. #.. #..|q .#. #.# #.# ### .##|r ##. #.# ##. #.# #.#|s .## #.. .#. ..# ##.|t ### .#. .#. .#. .#.|u #.# #.# #.# #.# ###
v #.# #.# #.# #.# .#.|w #...# #...# #.#.# ##.## #...#|x #.# #.# .#. #.# #.#|y #.# #.# .#. .#. .#.|z ### ..# .#. #.. ###|0 ### #.# #.# #.# ###|1 .#. ##. .#. .#. ###
2 ##. ..# .#. #.. ###|3 ##. ..# .#. ..# ##.|4 #.# #.# ### ..# ..#|5 ### #.. ##. ..# ##.|6 .## #.. ### #.# ###|7 ### ..# .#. .#. .#.|8 ### #.# ### #.# ###|9 ### #.# ### ..# ##.
. ... ... ... ... .#.|, ... ... ... .#. #..|- ... ... ### ... ...|+ ... .#. ### .#. ...|: ... .#. ... .#. ...|( .# #. #. #. .#|) #. .# .# .# #.|/ ..# ..# .#. #.. #..`
    .split(/[|\n]/)
    .map((entry) => entry.split(" "))
    .map(([letter, ...rows]) => [letter, rows]),
);
glyphs.η = ["....", "##..", "#.#.", "#.#.", "..#."];

/** Width of a text in font pixels. */
const widthOf = (text) => [...text].reduce((sum, c) => sum + (glyphs[c]?.[0].length ?? 2) + 1, -1);

/**
 * Pictures in rows with a name each, in columns with a heading each, as one picture.
 * @param {{ name: string, blocks: import("@etalon/models").ImageBatch[] }[]} rows  a batch for each heading
 * @param {string[]} headings
 * @param {{ zoom?: number, font?: number }} [options]  enlargement of pictures and letters, whole numbers
 */
export function sheet(rows, headings, { zoom = 2, font = 2 } = {}) {
  const [{ width, height, count }] = rows[0].blocks;
  const [cell, gap, wide] = [{ w: width * zoom, h: height * zoom }, 2 * zoom, 8 * zoom];
  const left = Math.max(...rows.map(({ name }) => widthOf(name))) * font + 2 * wide;
  const top = 5 * font + 2 * wide;
  const block = count * (cell.w + gap) + wide;
  const size = { width: left + headings.length * block, height: top + rows.length * (cell.h + gap) + wide };
  const data = new Uint8Array(size.width * size.height * 3).fill(255);
  const paint = (x, y, rgb) => data.set(rgb, (y * size.width + x) * 3);

  function write(text, x, y) {
    let at = x;
    for (const c of text) {
      const glyph = glyphs[c] ?? ["..", "..", "..", "..", ".."];
      for (let v = 0; v < 5 * font; v++) {
        for (let u = 0; u < glyph[0].length * font; u++) {
          if (glyph[Math.floor(v / font)][Math.floor(u / font)] === "#") paint(at + u, y + v, [30, 30, 30]);
        }
      }
      at += (glyph[0].length + 1) * font;
    }
  }

  headings.forEach((heading, k) => {
    write(heading, left + k * block, wide);
  });
  rows.forEach(({ name, blocks }, r) => {
    const y = top + r * (cell.h + gap);
    write(name, wide, y + Math.floor((cell.h - 5 * font) / 2));
    blocks.forEach((batch, k) => {
      for (let i = 0; i < batch.count; i++) {
        const image = imageAt(batch, i);
        const x = left + k * block + i * (cell.w + gap);
        for (let v = 0; v < cell.h; v++) {
          for (let u = 0; u < cell.w; u++) {
            const from = (Math.floor(v / zoom) * width + Math.floor(u / zoom)) * 3;
            paint(x + u, y + v, image.subarray(from, from + 3));
          }
        }
      }
    });
  });
  return { data, count: 1, ...size };
}
