import { check, EtalonError } from "@etalon/errors";
import type { NamedTensorMap, Tensor, Variable } from "@tensorflow/tfjs";
import { type InPlace, inPlace } from "../native/inPlace.ts";
import { checkAlive } from "../ops/checkAlive.ts";
import { checkShape } from "../ops/checkShape.ts";
import { tf } from "../tf.ts";

/** Options of AdamW; the names and defaults are torch's. */
export interface AdamWOptions {
  learningRate: number;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
  weightDecay?: number;
}

/** Of one update. */
interface StepOptions {
  learningRate: number;
  gradientScale: number;
}

/** Adam with decoupled weight decay (Loshchilov & Hutter, arXiv:1711.05101), as torch.optim.AdamW computes it. */
export class AdamW {
  readonly options: Required<AdamWOptions>;
  #step = 0;
  readonly #variables: ReadonlyMap<string, Variable>;
  readonly #first = new Map<string, Variable>();
  readonly #second = new Map<string, Variable>();

  /** @param variables  what is updated, by name @throws EtalonError OUT_OF_RANGE, BAD_TYPE: one was disposed */
  constructor(variables: ReadonlyMap<string, Variable>, options: AdamWOptions) {
    const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = options;
    check.range("learningRate", learningRate, { min: 0 });
    check.range("beta1", beta1, { min: 0, below: 1 });
    check.range("beta2", beta2, { min: 0, below: 1 });
    check.range("epsilon", epsilon, { above: 0 });
    check.range("weightDecay", weightDecay, { min: 0 });
    this.options = { learningRate, beta1, beta2, epsilon, weightDecay };
    this.#variables = variables;
    for (const [name, variable] of variables) checkAlive(`variable ${name}`, variable);
    for (const [name, variable] of variables) {
      this.#first.set(name, zeros(variable));
      this.#second.set(name, zeros(variable));
    }
  }

  /** Updates done so far. */
  get steps(): number {
    return this.#step;
  }

  /**
   * One update in place. A variable without a gradient stays as it is. Disposes nothing that it was given.
   * @param gradients  by name, each of its variable's shape    @param learningRate  for this step only    @param gradientScale  gradients are multiplied by it as they are read: `clipFactor`'s
   * @throws EtalonError OUT_OF_RANGE, BAD_SHAPE, BAD_TYPE, of a disposed tensor too: nothing is changed then
   */
  step(gradients: NamedTensorMap, learningRate: number = this.options.learningRate, gradientScale = 1): void {
    check.range("learningRate", learningRate, { min: 0 });
    check.range("gradientScale", gradientScale, { min: 0 });
    for (const [name, variable] of this.#variables) {
      if (gradients[name] === undefined) continue;
      checkAlive(`variable ${name}`, variable);
      checkShape(`gradient ${name}`, gradients[name], variable.shape);
      this.#checkMoments(name);
    }
    this.#step += 1;
    const names = [...this.#variables.keys()].filter((name) => gradients[name] !== undefined);
    const native = inPlace();
    if (native) this.#fused(native, names, gradients, { learningRate, gradientScale });
    else this.#plain(names, gradients, { learningRate, gradientScale });
  }

  #fused({ heavy, arrays, values }: InPlace, names: string[], gradients: NamedTensorMap, now: StepOptions): void {
    const of = (map: ReadonlyMap<string, Variable>) => names.map((name) => map.get(name) as Variable);
    heavy.adamw({
      ...this.options,
      ...now,
      step: this.#step,
      gradients: values(names.map((name) => gradients[name])),
      parameters: arrays(of(this.#variables)),
      first: arrays(of(this.#first)),
      second: arrays(of(this.#second)),
    });
  }

  #plain(names: string[], gradients: NamedTensorMap, { learningRate, gradientScale }: StepOptions): void {
    const { beta1, beta2, epsilon, weightDecay } = this.options;
    const rate = learningRate / (1 - beta1 ** this.#step);
    const root = Math.sqrt(1 - beta2 ** this.#step);
    for (const name of names) {
      const variable = this.#variables.get(name) as Variable;
      tf.tidy(() => {
        const gradient = gradientScale === 1 ? gradients[name] : gradients[name].mul(gradientScale);
        const first = this.#first.get(name) as Variable;
        const second = this.#second.get(name) as Variable;
        first.assign(first.mul(beta1).add(gradient.mul(1 - beta1)));
        second.assign(second.mul(beta2).add(gradient.square().mul(1 - beta2)));
        const move = first.mul(rate).div(second.sqrt().div(root).add(epsilon));
        const kept = weightDecay > 0 ? variable.mul(1 - learningRate * weightDecay) : variable;
        variable.assign(kept.sub(move) as Tensor);
      });
    }
  }

  /** The moments and the step count, for an exact resume: names are `exp_avg.NAME`, `exp_avg_sq.NAME` and `step` (one value). */
  state(): Map<string, { shape: number[]; data: Float32Array }> {
    const state = new Map([["step", { shape: [1], data: Float32Array.of(this.#step) }]]);
    for (const name of this.#variables.keys()) {
      this.#checkMoments(name);
      for (const [prefix, moments] of this.#moments()) {
        const moment = moments.get(name) as Variable;
        state.set(`${prefix}.${name}`, { shape: moment.shape, data: moment.dataSync<"float32">().slice() });
      }
    }
    return state;
  }

  /** Takes back what `state` gave. @throws EtalonError BAD_FILE: a moment is missing or of another shape; nothing is changed then */
  load(state: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>): void {
    const take = (name: string, size: number) => {
      const entry = state.get(name);
      if (entry?.data.length === size) return entry.data;
      throw new EtalonError("BAD_FILE", {
        argument: `optimizer state ${name}`,
        value: entry?.shape,
        allowed: `${size} values`,
      });
    };
    for (const name of this.#variables.keys()) this.#checkMoments(name);
    const [step] = take("step", 1);
    const values = [...this.#variables].flatMap(([name, variable]) =>
      this.#moments().map(
        ([prefix, moments]) => [moments.get(name) as Variable, take(`${prefix}.${name}`, variable.size)] as const,
      ),
    );
    this.#step = step;
    for (const [moment, data] of values) tf.tidy(() => moment.assign(tf.tensor(data, moment.shape)));
  }

  /** Frees the moments; the variables are the caller's. */
  dispose(): void {
    for (const [, moments] of this.#moments()) {
      for (const moment of moments.values()) moment.dispose();
      moments.clear();
    }
  }

  #checkMoments(name: string): void {
    for (const [, moments] of this.#moments()) checkAlive(`optimiser's moment of ${name}`, moments.get(name) ?? gone);
  }

  #moments() {
    return [["exp_avg", this.#first], ["exp_avg_sq", this.#second]] as const; // biome-ignore format: a table
  }
}

/** What a moment is after the optimiser's `dispose`. */
const gone = { isDisposed: true };

const zeros = (like: Variable): Variable => tf.tidy(() => tf.variable(tf.zerosLike(like), false));
