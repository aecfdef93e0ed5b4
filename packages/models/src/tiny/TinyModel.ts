import type { Variable } from "@etalon/engine";
import { check, EtalonError } from "@etalon/errors";
import type { LayerShape } from "../lora/LayerShape.ts";
import { LoraAdapter } from "../lora/LoraAdapter.ts";
import type { LoraConfig } from "../lora/LoraConfig.ts";
import { type AdapterFormat, writeAdapter } from "../lora/writeAdapter.ts";
import type { ParameterChoice, TrainableModel } from "../Pipeline.ts";
import { parameterSpecs } from "./config.ts";
import type { TinyTransformer2DModel } from "./TinyTransformer2DModel.ts";

/** The layers that an adapter is put on unless told otherwise: the projections of attention and of the MLPs. */
export const tinyTargets = [
  "to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out", "ff.net.0.proj", "ff.net.2", "ff_context.net.0.proj", "ff_context.net.2", "proj_mlp", "proj_out",
] as const; // biome-ignore format: a list

/** The tiny transformer with an adapter that can be added, switched, trained, saved. */
export class TinyModel implements TrainableModel {
  readonly transformer: TinyTransformer2DModel;
  #adapter: LoraAdapter | undefined;
  #scale = 1;

  constructor(transformer: TinyTransformer2DModel) {
    this.transformer = transformer;
  }

  get config() {
    return this.transformer.config;
  }

  get hasAdapter(): boolean {
    return this.#adapter !== undefined;
  }

  addAdapter({ rank = 8, alpha = 16, targets = tinyTargets, init }: Partial<LoraConfig> = {}, seed = 0): void {
    this.#use(LoraAdapter.create(this.#layers(), { rank, alpha, targets, init }, seed));
  }

  loadAdapter(place: string, { scale = 1 }: { scale?: number } = {}): void {
    check.range("scale", scale);
    this.#use(LoraAdapter.load(this.#layers(), place), scale);
  }

  saveAdapter(folder: string, { format = "diffusers" }: { format?: AdapterFormat } = {}): void {
    writeAdapter(folder, new Map([["transformer", this.#needAdapter()]]), format);
  }

  setAdapterEnabled(on: boolean): void {
    const adapter = this.#needAdapter();
    this.transformer.adapters = on ? (name) => adapter.lowRank(name, this.#scale) : undefined;
  }

  parameters(choice: ParameterChoice): ReadonlyMap<string, Variable> {
    const own = this.transformer.parameters.variables;
    const chosen = new Map([...own, ...(this.#adapter?.variables ?? [])].filter(([name]) => wanted(name, choice)));
    if (choice === "lora") this.#needAdapter();
    if (chosen.size === 0) {
      throw new EtalonError("NOT_FOUND", {
        argument: "parameters",
        value: String(choice),
        allowed: "lora, all, or a pattern that a parameter's name matches",
      });
    }
    for (const variables of [own, this.#adapter?.variables ?? new Map<string, Variable>()]) {
      for (const [name, variable] of variables) variable.trainable = chosen.has(name);
    }
    return chosen;
  }

  save(file: string, dtype: "F32" | "F16" = "F32"): void {
    this.transformer.parameters.save(file, dtype);
  }

  load(file: string): void {
    this.transformer.load(file);
  }

  dispose(): void {
    this.#adapter?.dispose();
    this.transformer.dispose();
  }

  #use(adapter: LoraAdapter, scale = 1): void {
    this.#adapter?.dispose();
    this.#adapter = adapter;
    this.#scale = scale;
    this.setAdapterEnabled(true);
  }

  #needAdapter(): LoraAdapter {
    if (this.#adapter) return this.#adapter;
    throw new EtalonError("NOT_FOUND", {
      argument: "adapter",
      value: undefined,
      allowed: "an adapter that was added or loaded before",
    });
  }

  #layers(): LayerShape[] {
    return parameterSpecs(this.config)
      .filter(({ name, shape }) => shape.length === 2 && !name.includes("embed"))
      .map(({ name, shape: [outputs, inputs] }) => ({ name: name.replace(/\.weight$/, ""), inputs, outputs }));
  }
}

/** An embedding table's gradient is a scatter that some engines lack, and training it teaches words, not pictures. */
function wanted(name: string, choice: ParameterChoice): boolean {
  if (choice === "lora") return name.includes(".lora_");
  if (choice === "all") return !name.includes(".lora_") && name !== "word_embedder.weight";
  return choice.test(name);
}
