/** Repeatable test data in (−1, 1), float32: a sine of large arguments, that owes nothing to what is tested. */
export function draws(length: number, salt: number): Float32Array {
  const data = new Float32Array(length);
  for (let i = 0; i < length; i++) data[i] = Math.sin((i + 1) * 12.9898 + salt * 78.233);
  return data;
}
