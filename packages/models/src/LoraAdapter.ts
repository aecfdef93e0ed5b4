import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { linear, type Tensor, type Tensor2D, type Variable } from "@etalon/engine";
import { check, EtalonError } from "@etalon/errors";
import {
  fromFloat32,
  readSafetensors,
  type SafetensorsFile,
  type StoredTensor,
  toFloat32,
  writeSafetensors,
} from "@etalon/weights";
import writeFileAtomic from "write-file-atomic";
import { type NamedShape, ParameterStore } from "./ParameterStore.ts";
import { Random } from "./random.ts";

/** A LoRA adapter's shape; names as PEFT's LoraConfig has them. */
export interface LoraConfig {
  rank: number;
  /** The adapter's part is scaled by alpha / rank. */
  alpha: number;
  /** Ends of the names of the linear layers that are adapted. */
  targets: readonly string[];
}

/** A linear layer that can be adapted. */
export interface LinearShape {
  name: string;
  inputs: number;
  outputs: number;
}

/**
 * Low-rank adapters of linear layers, y + (alpha/rank)·B·A·x (Hu et al., arXiv:2106.09685). A begins as PEFT has it (uniform in ±1/√inputs), B as zero, so a new adapter changes
 * nothing.
 */
export class LoraAdapter {
  readonly config: LoraConfig;
  readonly store = new ParameterStore(() => false);
  readonly #adapted: readonly LinearShape[];

  /** @throws EtalonError OUT_OF_RANGE: rank or alpha, or a target that no layer's name ends with */
  constructor(layers: readonly LinearShape[], config: LoraConfig, seed = 0) {
    check.count("rank", config.rank);
    check.range("alpha", config.alpha, { above: 0 });
    this.config = config;
    const idle = config.targets.find((target) => !layers.some(({ name }) => matches(name, target)));
    if (idle !== undefined || config.targets.length === 0) {
      throw new EtalonError("OUT_OF_RANGE", {
        argument: "targets",
        value: idle ?? [],
        allowed: "ends of names of the model's linear layers",
      });
    }
    this.#adapted = layers.filter(({ name }) => config.targets.some((target) => matches(name, target)));
    for (const [i, { name, inputs, outputs }] of this.#adapted.entries()) {
      const random = new Random(seed, i);
      const bound = 1 / Math.sqrt(inputs);
      const a = new Float32Array(config.rank * inputs).map(() => bound * (2 * random.uniform() - 1));
      this.store.add({ name: `${name}.lora_A.weight`, shape: [config.rank, inputs] }, a);
      this.store.add(
        { name: `${name}.lora_B.weight`, shape: [outputs, config.rank] },
        new Float32Array(outputs * config.rank),
      );
    }
  }

  /** The trainable parameters by their names in the model. */
  get variables(): ReadonlyMap<string, Variable> {
    return this.store.variables;
  }

  /** A layer's output with the adapter's part added; layers without one pass through. */
  apply(name: string, input: Tensor, output: Tensor): Tensor {
    const a = this.store.variables.get(`${name}.lora_A.weight`);
    if (a === undefined) return output;
    const b = this.store.get(`${name}.lora_B.weight`);
    const low = linear(input, a as unknown as Tensor2D);
    return output.add(linear(low, b as unknown as Tensor2D).mul(this.config.alpha / this.config.rank));
  }

  /**
   * Writes the adapter for others to load.
   * @param format  'diffusers': pytorch_lora_weights.safetensors with keys `transformer.….lora_A.weight` and the config in the header, for `load_lora_weights`;
   *   'peft': adapter_model.safetensors with keys `base_model.model.…` and adapter_config.json
   */
  save(folder: string, format: "diffusers" | "peft" = "diffusers"): void {
    check.oneOf("format", format, ["diffusers", "peft"]);
    mkdirSync(folder, { recursive: true });
    const prefix = format === "diffusers" ? diffusersPrefix : peftPrefix;
    const tensors: Record<string, StoredTensor> = {};
    for (const name of this.store.variables.keys()) {
      const { shape, data } = this.store.values(name);
      tensors[prefix + name] = { dtype: "F32", shape, data: fromFloat32(data, "F32") };
    }
    const { rank, alpha, targets } = this.config;
    if (format === "diffusers") {
      const settings = {
        "transformer.r": rank,
        "transformer.lora_alpha": alpha,
        "transformer.target_modules": targets,
      };
      writeSafetensors(join(folder, diffusersFile), tensors, {
        format: "pt",
        lora_adapter_metadata: JSON.stringify(settings),
      });
    } else {
      writeSafetensors(join(folder, peftFile), tensors, { format: "pt" });
      const settings = {
        peft_type: "LORA",
        r: rank,
        lora_alpha: alpha,
        target_modules: targets,
        bias: "none",
        inference_mode: true,
      };
      writeFileAtomic.sync(join(folder, "adapter_config.json"), `${JSON.stringify(settings, null, 2)}\n`);
    }
  }

  /**
   * Reads an adapter that Etalon, diffusers or PEFT wrote, for these layers.
   * @param place  the file, or the folder that holds it    @throws EtalonError NOT_FOUND, BAD_FILE: names the file and the first key that does not fit
   */
  static load(layers: readonly LinearShape[], place: string): LoraAdapter {
    const file = adapterFile(place);
    const stored = readSafetensors(file);
    const keys = new Map(stored.names.map((key) => [moduleKey(file, key), key]));
    const adapted = new Set([...keys.keys()].map((name) => name.replace(/\.lora_[AB]\.weight$/, "")));
    const first = keys.get(`${[...adapted][0]}.lora_A.weight`);
    if (first === undefined)
      throw new EtalonError("BAD_FILE", { argument: "adapter", value: file, allowed: "a LoRA adapter" });
    const rank = stored.info(first).shape[0];
    const adapter = new LoraAdapter(
      layers.filter(({ name }) => adapted.has(name)),
      { rank, alpha: alphaOf(file, stored) ?? rank, targets: targetsOf(file, stored, adapted) },
    );
    adapter.#fill(file, stored, keys);
    return adapter;
  }

  /** Takes values from a file of an adapter of the same shape. */
  #fill(file: string, stored: SafetensorsFile, keys: ReadonlyMap<string, string>): void {
    const list: NamedShape[] = [...this.store.variables.keys()].map((name) => ({
      name,
      shape: this.store.values(name).shape,
    }));
    const extra = [...keys.keys()].find((name) => !this.store.variables.has(name));
    if (extra !== undefined) throw unfit(file, extra, "a layer of the model");
    for (const item of list) {
      const key = keys.get(item.name);
      if (key === undefined || stored.info(key).shape.join() !== item.shape.join())
        throw unfit(file, item.name, `a tensor [${item.shape}]`);
      this.store.add(item, toFloat32(stored.get(key)));
    }
  }

  dispose(): void {
    this.store.dispose();
  }
}

const diffusersPrefix = "transformer.";
const peftPrefix = "base_model.model.";
const diffusersFile = "pytorch_lora_weights.safetensors";
const peftFile = "adapter_model.safetensors";

/** PEFT's rule: the target is the name, or what follows its last dots. */
const matches = (name: string, target: string): boolean => name === target || name.endsWith(`.${target}`);

function adapterFile(place: string): string {
  const inside = existsSync(place) && statSync(place).isDirectory();
  const file = inside ? [diffusersFile, peftFile].map((name) => join(place, name)).find(existsSync) : place;
  if (file !== undefined && existsSync(file)) return file;
  throw new EtalonError("NOT_FOUND", {
    argument: "adapter",
    value: place,
    allowed: `a file, or a folder with ${diffusersFile} or ${peftFile}`,
  });
}

/** A key without its prefix, in the newer of the two spellings. */
function moduleKey(file: string, key: string): string {
  const prefix = [diffusersPrefix, peftPrefix].find((start) => key.startsWith(start));
  const name = key
    .slice(prefix?.length ?? 0)
    .replace(".lora.down.", ".lora_A.")
    .replace(".lora.up.", ".lora_B.");
  if (prefix !== undefined && /\.lora_[AB]\.weight$/.test(name)) return name;
  throw unfit(file, key, "a key as transformer.….lora_A.weight");
}

/** What the file's header, or the adapter_config.json beside it, says of the adapter. */
function settingsOf(file: string, stored: SafetensorsFile): Record<string, unknown> {
  const beside = join(file, "..", "adapter_config.json");
  const text =
    stored.metadata.lora_adapter_metadata ??
    (file.endsWith(peftFile) && existsSync(beside) ? readFileSync(beside, "utf8") : "{}");
  try {
    const json = JSON.parse(text) as Record<string, unknown>;
    return Object.fromEntries(Object.entries(json).map(([key, value]) => [key.replace(diffusersPrefix, ""), value]));
  } catch {
    throw new EtalonError("BAD_FILE", {
      argument: "adapter",
      value: file,
      allowed: "a header or adapter_config.json that is JSON",
    });
  }
}

/** alpha; a file that does not tell it means scale 1. */
function alphaOf(file: string, stored: SafetensorsFile): number | undefined {
  const alpha = settingsOf(file, stored).lora_alpha;
  return alpha === undefined ? undefined : check.range(`lora_alpha of ${file}`, alpha, { above: 0 });
}

function targetsOf(file: string, stored: SafetensorsFile, adapted: ReadonlySet<string>): readonly string[] {
  const targets = settingsOf(file, stored).target_modules;
  return Array.isArray(targets) && targets.every((target) => typeof target === "string")
    ? (targets as string[])
    : [...adapted];
}

const unfit = (file: string, key: string, allowed: string) =>
  new EtalonError(
    "BAD_FILE",
    { argument: "adapter", value: key, allowed },
    { message: `${file}: ${key} does not fit; allowed: ${allowed}.` },
  );
