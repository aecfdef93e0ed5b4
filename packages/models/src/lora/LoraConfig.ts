import { check, EtalonError } from "@etalon/errors";
import type { LayerShape } from "./LayerShape.ts";

/** A LoRA adapter's shape; names as PEFT's LoraConfig has them. */
export interface LoraConfig {
  rank: number;
  /** The adapter's part is scaled by alpha / rank. */
  alpha: number;
  /** Ends of the names of the layers that are adapted. */
  targets: readonly string[];
  /** How A begins: uniform in ±1/√inputs, as PEFT has it, or Gaussian with deviation 1/rank. B begins as zero. Default uniform. */
  init?: "uniform" | "gaussian";
}

/** The layers that a config's targets name. @throws EtalonError OUT_OF_RANGE: rank, alpha, init, or a target that no layer's name ends with */
export function targetedLayers(layers: readonly LayerShape[], config: LoraConfig): LayerShape[] {
  const { rank, alpha, targets, init = "uniform" } = config;
  check.count("rank", rank);
  check.range("alpha", alpha, { above: 0 });
  check.oneOf("init", init, ["uniform", "gaussian"]);
  const idle = targets.find((target) => !layers.some(({ name }) => matches(name, target)));
  if (idle !== undefined || targets.length === 0) {
    throw new EtalonError("OUT_OF_RANGE", {
      argument: "targets",
      value: idle ?? [],
      allowed: "ends of names of the model's linear layers",
    });
  }
  return layers.filter(({ name }) => targets.some((target) => matches(name, target)));
}

/** PEFT's rule: the target is the name, or what follows its last dots. */
const matches = (name: string, target: string): boolean => name === target || name.endsWith(`.${target}`);
