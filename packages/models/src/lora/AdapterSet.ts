import type { LowRank, Tensor, Variable } from "@etalon/engine";
import { check, EtalonError } from "@etalon/errors";
import type { LayerShape } from "./LayerShape.ts";
import type { LoraAdapter } from "./LoraAdapter.ts";

interface Entry {
  adapter: LoraAdapter;
  weight: number;
}

/** The adapters of a model by name, each with a weight on top of its own alpha/rank; they add up. The one added last is the one that is trained and saved. */
export class AdapterSet {
  enabled = true;
  readonly #entries = new Map<string, Entry>();
  #current: string | undefined;

  /** Adds an adapter in place of an earlier one of that name, and makes it the current one. */
  add(name: string, adapter: LoraAdapter, weight = 1): void {
    check.range("scale", weight);
    this.remove(name);
    this.#entries.set(name, { adapter, weight });
    this.#current = name;
  }

  remove(name: string): void {
    this.#entries.get(name)?.adapter.dispose();
    this.#entries.delete(name);
    if (this.#current === name) this.#current = [...this.#entries.keys()].at(-1);
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  /** The adapter that is trained and saved. @throws EtalonError NOT_FOUND: there is none */
  get current(): LoraAdapter {
    const entry = this.#current === undefined ? undefined : this.#entries.get(this.#current);
    if (entry) return entry.adapter;
    throw new EtalonError("NOT_FOUND", {
      argument: "adapter",
      value: undefined,
      allowed: "an adapter that was added or loaded before",
    });
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Sets the weights of adapters by name; those not named are off. @throws EtalonError NOT_FOUND, OUT_OF_RANGE */
  weigh(weights: Readonly<Record<string, number>>): void {
    for (const [name, weight] of Object.entries(weights)) {
      check.oneOf("adapter", name, this.names, "NOT_FOUND");
      check.range(`scale of ${name}`, weight);
    }
    for (const [name, entry] of this.#entries) entry.weight = weights[name] ?? 0;
  }

  /** All adapters' parameters with their names in the model. */
  get variables(): [string, Variable][] {
    return [...this.#entries.values()].flatMap(({ adapter }) => [...adapter.variables]);
  }

  /** Adapters that are on, with their weights. */
  get active(): [LoraAdapter, number][] {
    if (!this.enabled) return [];
    return [...this.#entries.values()].flatMap(({ adapter, weight }) => (weight === 0 ? [] : [[adapter, weight]]));
  }

  /** Whether an adapter that is on adapts the layer. */
  has(layer: string): boolean {
    return this.active.some(([adapter]) => adapter.has(layer));
  }

  /** What the adapters that are on add to a linear layer. */
  lowRanks(layer: string): LowRank[] {
    return this.active.flatMap(([adapter, weight]) => adapter.lowRank(layer, weight) ?? []);
  }

  /** A layer's output with all adapters' parts added. */
  apply({ name }: LayerShape, input: Tensor, output: Tensor): Tensor {
    return this.active.reduce((sum, [adapter, weight]) => adapter.apply(name, input, sum, weight), output);
  }

  dispose(): void {
    for (const { adapter } of this.#entries.values()) adapter.dispose();
    this.#entries.clear();
    this.#current = undefined;
  }
}
