import { Ema, type Tensor, tf, type Variable } from "@etalon/engine";

/** The moving average of the trained weights, and how to put it in their place for a while. */
export class WeightAverages {
  readonly #ema: Ema;
  readonly #variables: ReadonlyMap<string, Variable>;

  /** @param variables  what is averaged; the averages begin at their values, or at those of `from`    @param decay  in [0, 1), what an update keeps of the old average */
  constructor(variables: ReadonlyMap<string, Variable>, decay: number, from?: ReadonlyMap<string, Tensor>) {
    this.#ema = new Ema(variables, decay);
    this.#variables = variables;
    for (const [name, average] of this.#ema.averages) {
      const value = from?.get(name);
      if (value) average.assign(value);
    }
  }

  /** Takes the weights in. @param updates  done so far */
  step(updates: number): void {
    this.#ema.step(updates);
  }

  /** Calls `inner` with the averages in the model's weights; they are themselves again when it is done, however it ends. */
  async use<T>(inner: () => Promise<T>): Promise<T> {
    const putBack = this.putIn();
    try {
      return await inner();
    } finally {
      putBack();
    }
  }

  /** Puts the averages in the model's weights. @returns what puts the weights back */
  putIn(): () => void {
    const kept = [...this.#variables.values()].map((variable) => tf.keep(tf.clone(variable)));
    for (const [name, variable] of this.#variables) variable.assign(this.#ema.averages.get(name) as Variable);
    return () => {
      for (const [i, variable] of [...this.#variables.values()].entries()) variable.assign(kept[i]);
      tf.dispose(kept);
    };
  }

  dispose(): void {
    this.#ema.dispose();
  }
}
