const t = 2.306; // Student's, 8 degrees of freedom, 95 % between its ends

/**
 * The slope of a series over its index, with half the length of its 95 % interval, from the means of ten blocks (batch means): a process's memory stays at a level for some epochs, so
 * that the error of a plain fit is too small by far. Of drawn levels, kept for 2 to 10 of 200 epochs and half of them once more, its intervals held the truth in 88 to 95 of 100; Newey
 * and West's (1987), with 4 to 60 lags, in 55 to 92 (docs/log.md).
 * @param series  of a multiple of 10 values; at least 20
 */
export function blockSlope(series) {
  const blocks = 10;
  const size = series.length / blocks;
  if (!Number.isInteger(size) || size < 2) throw new Error(`series has ${series.length} values; allowed: 20, 30, …`);
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const means = Array.from({ length: blocks }, (_, i) => sum(series.slice(i * size, (i + 1) * size)) / size);
  const at = (i) => i - (blocks - 1) / 2;
  const spread = sum(means.map((_, i) => at(i) ** 2));
  const slope = sum(means.map((value, i) => at(i) * value)) / spread;
  const mean = sum(means) / blocks;
  const rest = sum(means.map((value, i) => (value - mean - slope * at(i)) ** 2));
  return { slope: slope / size, within: (t * Math.sqrt(rest / (blocks - 2) / spread)) / size };
}
