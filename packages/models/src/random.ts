/**
 * A small seeded generator (sfc32) for data order, augmentation and initial weights: the same (seed, stream) gives the same numbers on every machine.
 * The sampler's noise does not come from here but from @etalon/native's counter-based generator.
 */
export class Random {
  readonly #state: Uint32Array;
  #spare: number | undefined;

  /** @param seed, stream  whole numbers; streams of one seed are independent of each other: one a training step, say */
  constructor(seed: number, stream = 0) {
    this.#state = Uint32Array.of(seed, Math.floor(seed / 2 ** 32), stream, 1);
    for (let i = 0; i < 16; i++) this.#next();
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.#next() / 2 ** 32;
  }

  /** Standard normal, by Box–Muller. */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log((this.#next() + 0.5) / 2 ** 32));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** A whole number in [0, n). */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** One item of a list. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  /** The items in a random order; the list given is left alone. */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [out[i], out[j]] = [out[j], out[i]];
    }
    return out;
  }

  #next(): number {
    const s = this.#state;
    const t = s[0] + s[1] + s[3];
    s[3] += 1;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = s[2] + (s[2] << 3);
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + t;
    return t >>> 0;
  }
}
