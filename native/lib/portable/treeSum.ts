const chunk = 1024;
const lanes = new Float64Array(16);

/** Sum of term(i), i from 0 to dim, over the fixed tree of src/core/sum.h: the same bits as the native forms'. */
export function treeSum(dim: number, term: (i: number) => number): number {
  const count = Math.ceil(dim / chunk);
  if (count === 1) return laneSum(0, dim, term);
  const sums = new Float64Array(count);
  for (let c = 0; c < count; c++) sums[c] = laneSum(c * chunk, Math.min(dim, (c + 1) * chunk), term);
  return laneSum(0, count, (i) => sums[i]);
}

function laneSum(first: number, end: number, term: (i: number) => number): number {
  lanes.fill(0);
  for (let i = first; i < end; i++) lanes[(i - first) & 15] += term(i);
  for (let step = 8; step >= 1; step /= 2) for (let l = 0; l < step; l++) lanes[l] += lanes[l + step];
  return lanes[0];
}
