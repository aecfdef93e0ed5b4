import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Variable } from "@etalon/engine";
import type { CLIPTextModel } from "../clip/CLIPTextModel.ts";
import type { LoraAdapter } from "../lora/LoraAdapter.ts";
import type { LoraConfig } from "../lora/LoraConfig.ts";
import { hasPart } from "../lora/readAdapter.ts";
import { type AdapterFormat, writeAdapter } from "../lora/writeAdapter.ts";
import type { AdapterOptions } from "../nn/NetModel.ts";
import type { ParameterChoice, TrainableModel } from "../Pipeline.ts";
import type { UNet2DConditionModel } from "../unet/UNet2DConditionModel.ts";

/**
 * What is trained of a Stable Diffusion pipeline: the U-Net. An adapter's file may adapt the text encoder too; that part is loaded and saved with it, and is not trained here,
 * since prompts are encoded once.
 */
export class DiffusionModel implements TrainableModel {
  readonly unet: UNet2DConditionModel;
  readonly textEncoder: CLIPTextModel;
  readonly #onTextChange: () => void;

  /** @param onTextChange  called when prompts would be encoded otherwise than before */
  constructor(unet: UNet2DConditionModel, textEncoder: CLIPTextModel, onTextChange: () => void) {
    this.unet = unet;
    this.textEncoder = textEncoder;
    this.#onTextChange = onTextChange;
  }

  get config() {
    return this.unet.config;
  }

  get checkpointing(): boolean {
    return this.unet.net.checkpointing;
  }

  set checkpointing(on: boolean) {
    this.unet.net.checkpointing = on;
  }

  get hasAdapter(): boolean {
    return this.unet.hasAdapter;
  }

  addAdapter(config: Partial<LoraConfig> = {}, seed = 0, options?: AdapterOptions): void {
    this.unet.addAdapter(config, seed, options);
    this.#dropText(options);
  }

  loadAdapter(place: string, options?: AdapterOptions): void {
    this.unet.loadAdapter(place, options);
    this.#dropText(options);
    if (hasPart(place, "text_encoder")) this.textEncoder.loadAdapter(place, options);
  }

  saveAdapter(folder: string, { format = "diffusers" }: { format?: AdapterFormat } = {}): void {
    const parts = new Map<string, LoraAdapter>([["unet", this.unet.adapter]]);
    if (this.textEncoder.hasAdapter) parts.set("text_encoder", this.textEncoder.adapter);
    writeAdapter(folder, parts, format);
  }

  setAdapterEnabled(on: boolean): void {
    this.unet.setAdapterEnabled(on);
    if (!this.textEncoder.hasAdapter) return;
    this.textEncoder.setAdapterEnabled(on);
    this.#onTextChange();
  }

  /** Weights of adapters by name; those not named are off. */
  setAdapters(weights: Readonly<Record<string, number>>): void {
    this.unet.setAdapters(weights);
    const known = this.textEncoder.adapters;
    if (known.length === 0) return;
    this.textEncoder.setAdapters(Object.fromEntries(Object.entries(weights).filter(([name]) => known.includes(name))));
    this.#onTextChange();
  }

  parameters(choice: ParameterChoice): ReadonlyMap<string, Variable> {
    return this.unet.parameters(choice);
  }

  /** The U-Net's weights. */
  save(file: string, dtype?: "F32" | "F16"): void {
    this.unet.save(file, dtype);
  }

  /** @param place  a file of the U-Net's weights, or a file's name in a folder that Pipeline.save wrote: its unet/ is read then */
  load(place: string): void {
    const saved = join(dirname(place), "unet");
    this.unet.load(!existsSync(place) && existsSync(saved) ? saved : place);
  }

  dispose(): void {
    this.unet.dispose();
    this.textEncoder.dispose();
  }

  #dropText({ name = "default" }: AdapterOptions = {}): void {
    if (this.textEncoder.adapters.includes(name)) this.textEncoder.removeAdapter(name);
    this.#onTextChange();
  }
}
