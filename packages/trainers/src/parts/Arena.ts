/**
 * Arrays that rollouts use again: new memory costs more than what is written into it, since the system hands it out page by page. One rule: what was taken belongs to who took
 * it until it is given back, or until `reset`.
 */
export class Arena {
  /** By length: all there are, and those that are free. */
  readonly #all = new Map<number, Float32Array[]>();
  readonly #free = new Map<number, Float32Array[]>();

  /** An array of `length` elements, holding anything. */
  readonly take = (length: number): Float32Array => {
    const known = this.#free.get(length)?.pop();
    if (known !== undefined) return known;
    const made = new Float32Array(length);
    const all = this.#all.get(length);
    if (all === undefined) this.#all.set(length, [made]);
    else all.push(made);
    return made;
  };

  /** Takes back an array; one that was not taken here is left alone. */
  give(array: Float32Array): void {
    if (!this.#all.get(array.length)?.includes(array)) return;
    const free = this.#free.get(array.length) ?? [];
    if (!free.includes(array)) free.push(array);
    this.#free.set(array.length, free);
  }

  /** Takes back every array. */
  reset(): void {
    for (const [length, all] of this.#all) this.#free.set(length, [...all]);
  }
}
