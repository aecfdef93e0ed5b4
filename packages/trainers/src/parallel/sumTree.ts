/**
 * The sum of arrays of one length, element by element, by the tree that every sum over ranks and micro-batches has: neighbours first, ((0+1)+(2+3))+((4+5)+…); what has no
 * neighbour waits for the next level. Rounded to the arrays' type at each addition. Arrays are left as they are.   docs/parallel.md
 */
export function sumTree<T extends Float32Array | Float64Array>(arrays: readonly T[]): T {
  let level: T[] = arrays.map((values) => values.slice() as T);
  while (level.length > 1) {
    for (let i = 0; i + 1 < level.length; i += 2) {
      const [left, right] = [level[i], level[i + 1]];
      for (let k = 0; k < left.length; k++) left[k] += right[k];
    }
    level = level.filter((_, i) => i % 2 === 0);
  }
  return level[0];
}
