/** The first and the last step that use an array. */
export type Life = readonly [first: number, last: number];

export interface Packed {
  /** Where each array begins, in elements; a multiple of 16, which is 64 bytes. */
  offsets: Map<Float32Array, number>;
  /** Elements in all. */
  length: number;
}

/** Arrays in one piece of memory, those that are in use at the same time beside each other: the longest first, each as far to the front as it goes. One that no step uses takes no place. */
export function packed(arrays: readonly Float32Array[], lives: ReadonlyMap<ArrayBufferLike, Life>): Packed {
  const offsets = new Map<Float32Array, number>();
  const placed: { life: Life; from: number; to: number }[] = []; // by `from`
  for (const array of [...arrays].sort((a, b) => b.length - a.length)) {
    const life = lives.get(array.buffer);
    if (life === undefined) continue;
    const room = Math.ceil(array.length / 16) * 16;
    let from = 0;
    for (const other of placed) {
      const together = other.life[0] <= life[1] && life[0] <= other.life[1];
      if (together && other.from < from + room) from = Math.max(from, other.to);
    }
    offsets.set(array, from);
    placed.push({ life, from, to: from + room });
    placed.sort((a, b) => a.from - b.from);
  }
  return { offsets, length: Math.max(0, ...placed.map(({ to }) => to)) };
}
