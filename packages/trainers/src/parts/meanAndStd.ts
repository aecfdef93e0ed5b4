/** Mean and population standard deviation, in two passes; of equal values exactly those and 0. */
export function meanAndStd(values: readonly number[]): { mean: number; std: number } {
  const first = values[0] ?? 0;
  const offset = values.reduce((sum, value) => sum + (value - first), 0) / Math.max(1, values.length);
  const mean = first + offset;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length);
  return { mean, std: Math.sqrt(variance) };
}
