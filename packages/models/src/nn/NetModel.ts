import { currentEngine, tf, type Variable } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { AdapterSet } from "../lora/AdapterSet.ts";
import { LoraAdapter } from "../lora/LoraAdapter.ts";
import type { LoraConfig } from "../lora/LoraConfig.ts";
import { type AdapterFormat, writeAdapter } from "../lora/writeAdapter.ts";
import type { ParameterChoice, TrainableModel } from "../Pipeline.ts";
import { openSafetensors } from "../weights/openWeights.ts";
import type { WeightSource } from "../weights/WeightSource.ts";
import { initialValues } from "./initialValues.ts";
import type { Net } from "./Net.ts";

/** What a kind of model says of itself beside its layers. */
export interface ModelTraits {
  /** The part's name in a pipeline's adapter file. */
  part: string;
  /** The layers that an adapter is put on unless told otherwise. */
  targets: readonly string[];
  /** Older spellings of a parameter's name. */
  aliases?: (name: string) => readonly string[];
}

/** Named adapters: an adapter's name, and its weight beside the others. */
export interface AdapterOptions {
  name?: string;
  scale?: number;
}

/** A model made of a net's layers: its weights, adapters and parameters. What it computes is the subclass's `forward`. */
export abstract class NetModel<Config extends object> implements TrainableModel {
  readonly config: Readonly<Config>;
  readonly net: Net;
  readonly #traits: ModelTraits;
  /** Weights as they were before adapters were merged into them. */
  readonly #unmerged = new Map<string, Float32Array>();

  constructor(config: Config, net: Net, traits: ModelTraits) {
    this.config = config;
    this.net = net;
    this.#traits = traits;
  }

  /**
   * Reads the weights. Large F16 and BF16 parameters stay 16-bit words where the engine unpacks them in good time, and are unpacked a block at a time.
   * @param finite  whether NaN and infinity are refused    @throws EtalonError BAD_FILE: names what is missing, unexpected, of another shape, or not finite
   */
  loadWeights(source: WeightSource, { finite = true }: { finite?: boolean } = {}): this {
    const keepPacked = currentEngine()?.unpacks ?? true;
    this.net.parameters.load(source, this.#traits.aliases ?? (() => []), { keepPacked, finite });
    return this;
  }

  /** Random weights as torch's layers begin, drawn by a seed. */
  initialise(seed: number): this {
    for (const [i, spec] of [...this.net.parameters.specs.values()].entries())
      this.net.parameters.set(spec.name, initialValues(spec, seed, i));
    return this;
  }

  get hasAdapter(): boolean {
    return (this.net.adapters?.size ?? 0) > 0;
  }

  /** The names of the adapters there are. */
  get adapters(): string[] {
    return this.net.adapters?.names ?? [];
  }

  /** The adapter that is trained and saved. @throws EtalonError NOT_FOUND: there is none */
  get adapter(): LoraAdapter {
    return this.#set().current;
  }

  addAdapter(
    { rank = 4, alpha = rank, targets = this.#traits.targets, init = "gaussian" }: Partial<LoraConfig> = {},
    seed = 0,
    { name = "default", scale = 1 }: AdapterOptions = {},
  ): void {
    this.#set().add(name, LoraAdapter.create(this.net.layers, { rank, alpha, targets, init }, seed), scale);
  }

  /** @param place  a file or folder as diffusers, PEFT, kohya's scripts or Etalon write it */
  loadAdapter(place: string, { name = "default", scale = 1 }: AdapterOptions = {}): void {
    this.#set().add(name, LoraAdapter.load(this.net.layers, place, this.#traits.part), scale);
  }

  saveAdapter(folder: string, { format = "diffusers" }: { format?: AdapterFormat } = {}): void {
    writeAdapter(folder, new Map([[this.#traits.part, this.adapter]]), format);
  }

  setAdapterEnabled(on: boolean): void {
    if (!this.hasAdapter) this.#set().current; // throws
    this.#set().enabled = on;
  }

  /** Weights of adapters by name, on top of their own alpha/rank; those not named are off. */
  setAdapters(weights: Readonly<Record<string, number>>): void {
    this.#set().weigh(weights);
  }

  removeAdapter(name: string): void {
    this.#set().remove(name);
  }

  /** Adds the adapters that are on to the weights and switches them off: no cost a layer any more. The weights as they were are kept for `unmergeAdapters`. */
  mergeAdapters(): void {
    const set = this.#set();
    for (const [adapter, weight] of set.active) {
      for (const layer of adapter.layers.keys()) {
        const name = `${layer}.weight`;
        const { parameters } = this.net;
        if (!this.#unmerged.has(name)) this.#unmerged.set(name, parameters.values(name).data);
        const sum = tf.tidy(() => parameters.get(name).add(adapter.delta(layer).mul(weight)));
        parameters.assign(name, sum);
        sum.dispose();
      }
    }
    set.enabled = false;
  }

  /** Gives the weights back as they were before `mergeAdapters`, to the bit, and switches the adapters on. */
  unmergeAdapters(): void {
    for (const [name, values] of this.#unmerged) this.net.parameters.set(name, values);
    this.#unmerged.clear();
    this.#set().enabled = true;
  }

  parameters(choice: ParameterChoice): ReadonlyMap<string, Variable> {
    const adapter = this.hasAdapter || choice === "lora" ? this.adapter.variables : new Map<string, Variable>();
    const { parameters, adapters } = this.net;
    const names = [...parameters.specs.keys()].filter((name) => wanted(name, choice));
    const own = names.map((name) => [name, parameters.variable(name)] as const);
    const chosen = new Map([...own, ...[...adapter].filter(([name]) => wanted(name, choice))]);
    if (chosen.size === 0) {
      throw new EtalonError("NOT_FOUND", {
        argument: "parameters",
        value: String(choice),
        allowed: "lora, all, or a pattern that a parameter's name matches",
      });
    }
    for (const variable of parameters.variables.values()) variable.trainable = false;
    for (const [, variable] of adapters?.variables ?? []) variable.trainable = false;
    for (const variable of chosen.values()) variable.trainable = true;
    return chosen;
  }

  save(file: string, dtype: "F32" | "F16" = "F32"): void {
    this.net.parameters.save(file, dtype);
  }

  /** @param place  a safetensors file, or a folder with one */
  load(place: string): void {
    this.loadWeights(openSafetensors(place));
  }

  dispose(): void {
    this.net.dispose();
  }

  #set(): AdapterSet {
    this.net.adapters ??= new AdapterSet();
    return this.net.adapters;
  }
}

function wanted(name: string, choice: ParameterChoice): boolean {
  const isAdapter = /\.lora_[AB]\.weight$/.test(name);
  if (choice === "lora") return isAdapter;
  if (choice === "all") return !isAdapter;
  return choice.test(name);
}
