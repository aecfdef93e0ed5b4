import { existsSync } from "node:fs";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import { latestCheckpoint } from "@etalon/trainers";

/**
 * Weights lie in a run's checkpoints, not in its folder; and a checkpoint is an adapter or a whole model.
 * @throws EtalonError NOT_FOUND: a run's folder, naming its newest checkpoint; or a whole model for --adapter
 */
export function refuseRun(flag: "--model" | "--adapter", place: string | undefined): void {
  if (place === undefined) return;
  const has = (name: string) => existsSync(join(place, name));
  if (has("metrics.jsonl") && has("config.json")) {
    const latest = latestCheckpoint(join(place, "checkpoints"));
    const hint = latest ? `The newest is ${latest}.` : "This run has none yet.";
    throw new EtalonError("NOT_FOUND", { argument: flag, value: place, allowed: "a checkpoint of the run", hint });
  }
  if (flag === "--adapter" && has("diffusion_pytorch_model.safetensors") && !has("pytorch_lora_weights.safetensors"))
    throw new EtalonError("NOT_FOUND", { argument: flag, value: place, allowed: "an adapter", hint: "It is a whole model, for --model." }); // biome-ignore format: one thought
}
