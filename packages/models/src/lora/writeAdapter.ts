import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { check, EtalonError } from "@etalon/errors";
import { type StoredTensor, writeSafetensors } from "@etalon/weights";
import writeFileAtomic from "write-file-atomic";
import { kohyaPrefixes } from "./adapterKey.ts";
import type { LoraAdapter } from "./LoraAdapter.ts";
import { adapterFiles } from "./readAdapter.ts";

/** How others spell an adapter's keys. */
export type AdapterFormat = keyof typeof adapterFiles;

/**
 * Writes adapters for others to load, atomically.
 * @param parts  the adapters by the part of the pipeline that they are of: 'unet', 'text_encoder', 'transformer'
 * @param format  'diffusers': pytorch_lora_weights.safetensors, keys `unet.….lora_A.weight`, the config in the header, for `load_lora_weights`;
 *   'peft': adapter_model.safetensors, keys `base_model.model.…`, and adapter_config.json; 'kohya': kohya_lora.safetensors, keys `lora_unet_….lora_down.weight`, as ComfyUI
 *   and kohya's scripts read them
 * @throws EtalonError OUT_OF_RANGE: no such format, or several parts for 'peft', which has room for one
 */
export function writeAdapter(folder: string, parts: ReadonlyMap<string, LoraAdapter>, format: AdapterFormat): void {
  check.oneOf("format", format, Object.keys(adapterFiles) as AdapterFormat[]);
  if (format === "peft" && parts.size > 1) throw new EtalonError("OUT_OF_RANGE", { argument: "format", value: format, allowed: "diffusers or kohya, for adapters of several parts" }); // biome-ignore format: one thought
  mkdirSync(folder, { recursive: true });
  const tensors: Record<string, StoredTensor> = {};
  for (const [part, adapter] of parts) Object.assign(tensors, keysOf[format](part, adapter));
  writeSafetensors(join(folder, adapterFiles[format]), tensors, headers[format](parts));
  if (format !== "peft") return;
  const [adapter] = parts.values();
  const settings = { peft_type: "LORA", ...settingsOf(adapter), bias: "none", inference_mode: true };
  writeFileAtomic.sync(join(folder, "adapter_config.json"), `${JSON.stringify(settings, null, 2)}\n`);
}

type Keys = (part: string, adapter: LoraAdapter) => Record<string, StoredTensor>;

const keysOf: Record<AdapterFormat, Keys> = {
  diffusers: (part, adapter) => prefixed(`${part}.`, adapter),
  peft: (_part, adapter) => prefixed("base_model.model.", adapter),
  kohya(part, adapter) {
    const tensors: Record<string, StoredTensor> = {};
    for (const [layer, { alpha }] of adapter.layers) {
      const flat = `${kohyaPrefixes[part] ?? `lora_${part}_`}${layer.replaceAll(".", "_")}`;
      tensors[`${flat}.lora_down.weight`] = stored(adapter, `${layer}.lora_A.weight`);
      tensors[`${flat}.lora_up.weight`] = stored(adapter, `${layer}.lora_B.weight`);
      tensors[`${flat}.alpha`] = { dtype: "F32", shape: [], data: Float32Array.of(alpha) };
    }
    return tensors;
  },
};

const headers: Record<AdapterFormat, (parts: ReadonlyMap<string, LoraAdapter>) => Record<string, string>> = {
  diffusers(parts) {
    const settings = [...parts].flatMap(([part, adapter]) =>
      Object.entries(settingsOf(adapter)).map(([key, value]) => [`${part}.${key}`, value] as const),
    );
    return { format: "pt", lora_adapter_metadata: JSON.stringify(Object.fromEntries(settings)) };
  },
  peft: () => ({ format: "pt" }),
  kohya(parts) {
    const [{ config }] = parts.values();
    return {
      format: "pt",
      ss_network_module: "networks.lora",
      ss_network_dim: String(config.rank),
      ss_network_alpha: String(config.alpha),
    };
  },
};

function prefixed(prefix: string, adapter: LoraAdapter): Record<string, StoredTensor> {
  return Object.fromEntries([...adapter.variables.keys()].map((name) => [prefix + name, stored(adapter, name)]));
}

function stored(adapter: LoraAdapter, name: string): StoredTensor {
  return { dtype: "F32", ...adapter.parameters.values(name) };
}

/** PEFT's LoraConfig: what differs from layer to layer stands in its patterns. */
function settingsOf({ config, layers }: LoraAdapter): Record<string, unknown> {
  const { rank, alpha, targets } = config;
  const differing = (pick: (layer: { rank: number; alpha: number }) => number, usual: number) =>
    Object.fromEntries([...layers].flatMap(([name, layer]) => (pick(layer) === usual ? [] : [[name, pick(layer)]])));
  const ranks = differing((layer) => layer.rank, rank);
  const alphas = differing((layer) => layer.alpha, alpha);
  return {
    r: rank,
    lora_alpha: alpha,
    target_modules: targets,
    ...(Object.keys(ranks).length > 0 && { rank_pattern: ranks }),
    ...(Object.keys(alphas).length > 0 && { alpha_pattern: alphas }),
  };
}
