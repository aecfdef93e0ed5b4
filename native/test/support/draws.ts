/** Repeatable test data in (−1, 1), float32: a sine of large arguments, that owes nothing to what is tested. */
export function draws(length: number, salt: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin((i + 1) * 12.9898 + salt * 78.233));
}
