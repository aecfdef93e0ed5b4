import { existsSync } from "node:fs";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import { type EpochGap, measuredTraining, readLines, renderReport } from "@etalon/gap";
import { fetchModel } from "@etalon/models";
import {
  type Communicator,
  describeForecast,
  describeSelfCheck,
  type Metrics,
  type OpenTrainer,
  onRoot,
  openRun,
  parseTrainConfig,
  type SavedCheckpoint,
  trainPreset,
  trainPresets,
} from "@etalon/trainers";
import { Command } from "commander";
import { amongRanks } from "../amongRanks.ts";
import { assignment, type ConfigOptions } from "../options.ts";
import { plusMinus, print, printJson, remark } from "../output.ts";
import { hasBar } from "../progress.ts";
import { readConfig } from "../readConfig.ts";
import { watched } from "../watched.ts";

/** What came of a run, for its summary. */
interface Seen {
  metrics?: Metrics;
  gaps: EpochGap[];
}

/** `etalon train`: reinforcement learning, from a config or a preset. */
export function trainCommand(): Command {
  return new Command("train")
    .description("train a model by DDPO, MixGRPO, Flow-GRPO or DanceGRPO, and measure its reward gap along the way")
    .argument("[config]", "a config file (JSON), or - for stdin; `etalon schema train` tells its form")
    .option("--preset <name>", `a config that the package carries: ${Object.keys(trainPresets).join(", ")}`)
    .option("--set <key=value>", "override one key, as train.epochs=6; repeatable", assignment)
    .option("-o, --output <folder>", "the run folder (runs/NAME where left out)")
    .option("--resume", "go on from the folder's last checkpoint")
    .option("--dry-run", "check the config, print it with every default filled in, and stop: nothing is loaded")
    .option("--json", "print the last metrics as JSON")
    .addHelpText("after", "\nExample:\n  $ etalon train --preset tiny-ddpo --set train.epochs=6 -o runs/first")
    .action(run);
}

function run(file: string | undefined, options: ConfigOptions & { dryRun?: boolean }): Promise<void> {
  return amongRanks((communicator) => train(file, options, communicator));
}

async function train(
  file: string | undefined,
  { preset, set = [], output, resume = false, dryRun, json }: ConfigOptions & { dryRun?: boolean },
  communicator: Communicator,
): Promise<void> {
  const out = output ?? join("runs", preset ?? "train");
  const config = await onRoot(communicator, () => parseTrainConfig(source(file, preset, resume ? out : undefined), set)); // biome-ignore format: one thought
  if (dryRun) return printJson(config);
  const isFirst = communicator.rank === 0;
  const { metrics, gaps } = await watched({ json, engine: config.engine }, async ({ signal, onProgress }) => {
    const machines = new Set(communicator.hosts).size;
    if (!isFirst) return follow(await openRun({ config, out, resume, signal, communicator }));
    if (communicator.size > 1)
      remark(
        `${communicator.size} ranks on ${machines === 1 ? "1 machine" : `${machines} machines`}${communicator.kind === "nccl" ? ", long messages by NCCL" : ""}`,
      );
    await fetchModel(config.model, { variant: config.variant ?? undefined, signal, onProgress }); // here, for its progress
    const trainer = await openRun({ config, out, resume, signal, onProgress, onSaved, communicator });
    const seen: Seen = { gaps: [] };
    const { epochs } = config.train;
    if (trainer.epoch >= epochs) remark(`nothing is left to train: ${trainer.epoch} epochs are done, train.epochs is ${epochs}; --set train.epochs=${trainer.epoch + epochs} goes on`); // biome-ignore format: one thought
    else if (resume) remark(trainer.epoch > 0 ? `going on after epoch ${trainer.epoch} of ${epochs}` : "no checkpoint yet: from the beginning"); // biome-ignore format: one thought
    try {
      const said = [...describeSelfCheck(trainer.checks), describeForecast(await trainer.forecast())];
      for (const note of [...(trainer.pipeline.notes ?? []), ...trainer.data.notes, ...said]) remark(note);
      for await (const event of measuredTraining(trainer, { signal, onProgress })) {
        if (event.kind === "metrics") seen.metrics = event.metrics;
        else seen.gaps.push(event.gap);
      }
    } finally {
      await trainer.close();
    }
    return seen;
  });
  if (!isFirst) return;
  const report = await renderReport(out);
  if (json) return printJson({ run: out, metrics: metrics ?? lastMetrics(out), gaps });
  print(
    ...gaps.map(gapLine),
    `the run is in ${out}: metrics.jsonl, gap.jsonl, checkpoints/, samples/`,
    `the report is ${report}`,
  );
}

/** Of a run that has nothing left to train. */
function lastMetrics(out: string): Metrics | undefined {
  return readLines<Metrics>(join(out, "metrics.jsonl")).at(-1);
}

/** Told where no bar would be torn: once the checkpoint is on the disk. */
const onSaved = ({ epoch, best }: SavedCheckpoint): void => {
  if (!hasBar()) remark(`saved checkpoints/${String(epoch).padStart(6, "0")}${best ? ", the best so far" : ""}`); // biome-ignore format: one thought
};

/** What the ranks after the first do: train. The first measures, writes and tells. */
async function follow(trainer: OpenTrainer): Promise<Seen> {
  try {
    for await (const _ of trainer);
  } finally {
    await trainer.close();
  }
  return { gaps: [] };
}

const gapLine = ({ epoch, ode, sde, gap, eta }: EpochGap): string =>
  `epoch ${String(epoch).padStart(4)}   ODE ${plusMinus(ode)}   SDE (eta ${eta}) ${plusMinus(sde)}   gap ${plusMinus(gap)}`;

/** A config file, a preset, or, on resuming, what the run was begun with. */
function source(file: string | undefined, preset: string | undefined, run: string | undefined): unknown {
  if (file !== undefined && preset === undefined) return readConfig(file);
  if (file === undefined && preset !== undefined) return trainPreset(preset).config;
  const begun = run && join(run, "config.json");
  if (file === undefined && preset === undefined && begun && existsSync(begun)) return readConfig(begun);
  if (run !== undefined && file === undefined && preset === undefined)
    throw new EtalonError("NOT_FOUND", { argument: "--output", value: run, allowed: "the folder of a run, with its config.json" }); // biome-ignore format: one thought
  if (file !== undefined) throw new EtalonError("OUT_OF_RANGE", { argument: "config", value: file, allowed: "nothing beside --preset", hint: "Its keys are changed by --set key=value." }); // biome-ignore format: one thought
  throw new EtalonError("OUT_OF_RANGE", { argument: "config" }, { message: `what to train is not said; allowed: a config file, or --preset with one of ${Object.keys(trainPresets).join(", ")}.` }); // biome-ignore format: one thought
}
