import { check } from "@etalon/errors";
import type { Variable } from "@tensorflow/tfjs";
import { inPlace } from "../native/inPlace.ts";
import { checkAlive } from "../ops/checkAlive.ts";
import { tf } from "../tf.ts";

/** An exponential moving average of variables, by their names. */
export class Ema {
  readonly averages = new Map<string, Variable>();
  readonly #variables: ReadonlyMap<string, Variable>;
  readonly #decay: number;

  /** @param decay  in [0, 1): the share of the old average that a step keeps */
  constructor(variables: ReadonlyMap<string, Variable>, decay: number) {
    this.#decay = check.range("decay", decay, { min: 0, below: 1 });
    this.#variables = variables;
    for (const [name, variable] of variables) checkAlive(`variable ${name}`, variable);
    for (const [name, variable] of variables) this.averages.set(name, tf.variable(variable, false));
  }

  /** Moves the averages towards the variables; early on faster, by min(decay, (1 + steps)/(10 + steps)). @param steps  updates done so far @throws EtalonError OUT_OF_RANGE, BAD_TYPE: a variable was disposed; no average has moved then */
  step(steps: number): void {
    check.range("steps", steps, { min: 0, integer: true });
    for (const [name, average] of this.averages) {
      checkAlive(`variable ${name}`, this.#variables.get(name) as Variable);
      checkAlive(`average of ${name}`, average);
    }
    const decay = Math.min(this.#decay, (1 + steps) / (10 + steps));
    const native = inPlace();
    if (native) {
      const variables = [...this.averages.keys()].map((name) => this.#variables.get(name) as Variable);
      native.heavy.ema(native.arrays([...this.averages.values()]), native.values(variables), decay);
      return;
    }
    for (const [name, average] of this.averages) {
      tf.tidy(() => average.assign(average.mul(decay).add((this.#variables.get(name) as Variable).mul(1 - decay))));
    }
  }

  dispose(): void {
    for (const average of this.averages.values()) average.dispose();
    this.averages.clear();
  }
}
