import { existsSync } from "node:fs";
import { join } from "node:path";
import { engine } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { type Metrics, openRun, parseTrainConfig, trainPreset, trainPresets } from "@etalon/trainers";
import { Command } from "commander";
import { interruptSignal } from "../interrupt.ts";
import { assignment, type ConfigOptions } from "../options.ts";
import { print, printJson, remark } from "../output.ts";
import { progressBar } from "../progress.ts";
import { readConfig } from "../readConfig.ts";

/** `etalon train`: reinforcement learning, from a config or a preset. */
export function trainCommand(): Command {
  return new Command("train")
    .description("train a model by DDPO, MixGRPO, Flow-GRPO or DanceGRPO")
    .argument("[config]", "a config file (JSON); `etalon schema train` tells its form")
    .option("--preset <name>", `a config that the package carries: ${Object.keys(trainPresets).join(", ")}`)
    .option("--set <key=value>", "override one key, as train.epochs=6; repeatable", assignment)
    .option("-o, --output <folder>", "the run folder (runs/NAME where left out)")
    .option("--resume", "go on from the folder's last checkpoint")
    .option("--json", "print the last metrics as JSON")
    .addHelpText("after", "\nExample:\n  $ etalon train --preset tiny-ddpo --set train.epochs=6 -o runs/first")
    .action(run);
}

async function run(
  file: string | undefined,
  { preset, set = [], output, resume = false, json }: ConfigOptions,
): Promise<void> {
  const out = output ?? join("runs", preset ?? "train");
  const config = parseTrainConfig(source(file, preset, resume ? out : undefined), set);
  const { name, threads, why } = await engine(config.engine);
  if (!json) remark(`engine ${name}, ${threads} threads (${why})`);
  const { signal, dispose } = interruptSignal();
  const bar = progressBar();
  try {
    const trainer = await openRun({ config, out, resume, signal, onProgress: bar.update });
    let last: Metrics | undefined;
    try {
      for await (const metrics of trainer) last = metrics;
    } finally {
      await trainer.close();
    }
    bar.stop();
    if (json) printJson({ run: out, metrics: last });
    else print(`the run is in ${out}: metrics.jsonl, checkpoints/, samples/`, `  npx etalon report ${out}`);
  } finally {
    bar.stop();
    dispose();
  }
}

/** A config file, a preset, or, on resuming, what the run was begun with. */
function source(file: string | undefined, preset: string | undefined, run: string | undefined): unknown {
  if (file !== undefined && preset === undefined) return readConfig(file);
  if (file === undefined && preset !== undefined) return trainPreset(preset).config;
  const begun = run && join(run, "config.json");
  if (file === undefined && preset === undefined && begun && existsSync(begun)) return readConfig(begun);
  throw new EtalonError("OUT_OF_RANGE", {
    argument: "config",
    value: file,
    allowed: "either a config file or --preset",
  });
}
