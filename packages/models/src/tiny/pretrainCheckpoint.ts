import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import { readSafetensors, toFloat32, writeSafetensors } from "@etalon/weights";
import type { PretrainOptions, PretrainState } from "./pretrainStep.ts";
import { saveTiny } from "./saveTiny.ts";
import type { TinyTokenizer } from "./TinyTokenizer.ts";
import { TinyTransformer2DModel } from "./TinyTransformer2DModel.ts";

/** The checkpoint's folder, and where it stands for the moment in which the new one takes the old one's place. */
const names = { current: "checkpoint", fresh: ".checkpoint-new", old: ".checkpoint-old" } as const;

/** The folder of `out`'s newest whole checkpoint, or undefined. A process that was killed in a swap left it under the old one's name. */
export function findCheckpoint(out: string): string | undefined {
  return [names.current, names.old].map((name) => join(out, name)).find(existsSync);
}

/** Writes all that a resumed run needs (the new checkpoint beside the old, then in its place), and the averaged model in half precision. */
export function saveCheckpoint(
  out: string,
  state: PretrainState,
  tokenizer: TinyTokenizer,
  options: PretrainOptions,
): void {
  const { model, ema, optimiser, step } = state;
  const [current, fresh, old] = [names.current, names.fresh, names.old].map((name) => join(out, name));
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  model.parameters.save(join(fresh, "model.safetensors"), "F32");
  model.parameters.save(join(fresh, "ema.safetensors"), "F32", ema.averages);
  const moments = [...optimiser.state()].map(([name, { shape, data }]) => [
    name,
    { dtype: "F32" as const, shape, data },
  ]);
  writeSafetensors(join(fresh, "optimizer.safetensors"), Object.fromEntries(moments));
  writeJson(join(fresh, "state.json"), { step, options });
  if (existsSync(current)) {
    rmSync(old, { recursive: true, force: true });
    renameSync(current, old);
  }
  renameSync(fresh, current);
  rmSync(old, { recursive: true, force: true });
  saveTiny(out, model, tokenizer, "F16", ema.averages);
}

/** A checkpoint's update and options. @throws EtalonError BAD_FILE */
export function readCheckpointState(checkpoint: string): { step: number; options: PretrainOptions } {
  const file = join(checkpoint, "state.json");
  try {
    return JSON.parse(readFileSync(file, "utf8")) as { step: number; options: PretrainOptions };
  } catch (cause) {
    throw new EtalonError(
      "BAD_FILE",
      { argument: "checkpoint", value: file, allowed: "a state.json that is JSON" },
      { cause },
    );
  }
}

/** Brings weights, averages, moments and the count of updates back. @throws EtalonError BAD_FILE */
export function loadCheckpoint(checkpoint: string, state: PretrainState): void {
  const moments = readSafetensors(join(checkpoint, "optimizer.safetensors"));
  const averages = new TinyTransformer2DModel(state.model.config).load(join(checkpoint, "ema.safetensors"));
  const weights = new TinyTransformer2DModel(state.model.config).load(join(checkpoint, "model.safetensors"));
  state.optimiser.load(
    new Map(
      moments.names.map((name) => [name, { shape: moments.info(name).shape, data: toFloat32(moments.get(name)) }]),
    ),
  );
  for (const [name, average] of state.ema.averages) average.assign(averages.parameters.get(name));
  for (const [name, variable] of state.model.parameters.variables) variable.assign(weights.parameters.get(name));
  averages.dispose();
  weights.dispose();
  state.step = readCheckpointState(checkpoint).step;
}

const writeJson = (file: string, value: unknown) => writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
