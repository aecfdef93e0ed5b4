/** The bits of a pass's constants, and those that the rows' results keep below one. */
const [fraction, kept] = [13, 2];

/**
 * The discrete cosine transform of an 8×8 block in place, whole numbers throughout: libjpeg's accurate one (jfdctint.c; Loeffler, Ligtenberg and Moschytz, 1989), to the bit,
 * which scales by 8.
 * @param block  64 samples less 128, row by row
 */
export function forwardDct(block: Int32Array): void {
  for (let row = 0; row < 64; row += 8) pass(block, row, 1, true);
  for (let column = 0; column < 8; column++) pass(block, column, 8, false);
}

/** Eight values of a row, or of a column. */
function pass(x: Int32Array, at: number, by: number, rows: boolean): void {
  const [i1, i2, i3] = [at + by, at + 2 * by, at + 3 * by];
  const [i4, i5, i6, i7] = [at + 4 * by, at + 5 * by, at + 6 * by, at + 7 * by];
  const [s0, d0] = [x[at] + x[i7], x[at] - x[i7]];
  const [s1, d1] = [x[i1] + x[i6], x[i1] - x[i6]];
  const [s2, d2] = [x[i2] + x[i5], x[i2] - x[i5]];
  const [s3, d3] = [x[i3] + x[i4], x[i3] - x[i4]];
  const [even, odd, outer, inner] = [s0 + s3, s1 + s2, s0 - s3, s1 - s2];
  x[at] = rows ? (even + odd) << kept : (even + odd + 2) >> kept;
  x[i4] = rows ? (even - odd) << kept : (even - odd + 2) >> kept;
  const shift = rows ? fraction - kept : fraction + kept;
  const half = 1 << (shift - 1);
  const turned = (outer + inner) * 4433; // √2·cos(3π/8), and below the same times sums and differences of sines and cosines, each · 2^13
  x[i2] = (turned + outer * 6270 + half) >> shift;
  x[i6] = (turned - inner * 15137 + half) >> shift;
  const z5 = (d3 + d1 + (d2 + d0)) * 9633;
  const z1 = (d3 + d0) * -7373;
  const z2 = (d2 + d1) * -20995;
  const z3 = (d3 + d1) * -16069 + z5;
  const z4 = (d2 + d0) * -3196 + z5;
  x[i7] = (d3 * 2446 + z1 + z3 + half) >> shift;
  x[i5] = (d2 * 16819 + z2 + z4 + half) >> shift;
  x[i3] = (d1 * 25172 + z2 + z3 + half) >> shift;
  x[i1] = (d0 * 12299 + z1 + z4 + half) >> shift;
}
