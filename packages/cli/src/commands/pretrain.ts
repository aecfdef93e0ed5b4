import { join } from "node:path";
import { engine } from "@etalon/engine";
import { pretrain } from "@etalon/models/pretrain";
import { Command, Option } from "commander";
import { interruptSignal } from "../interrupt.ts";
import { count, seed } from "../options.ts";
import { print, printJson, remark } from "../output.ts";
import { progressBar } from "../progress.ts";

interface Options {
  output: string;
  resume?: boolean;
  steps?: number;
  batch?: number;
  seed?: number;
  json?: boolean;
}

/** `etalon pretrain`: makes the tiny default's weights from the emoji pictures. */
export function pretrainCommand(): Command {
  return new Command("pretrain")
    .description("pre-train the tiny default on emoji pictures (fetches 60 MB by npm; hours on tfjs-node)")
    .addOption(new Option("--preset <name>", "what to pre-train").choices(["tiny"]).default("tiny"))
    .option("--steps <count>", "updates in all", count("steps"))
    .option("--batch <count>", "pictures an update", count("batch"))
    .option("--seed <number>", "seed of data order and initial weights", seed)
    .option("-o, --output <folder>", "where the model and its checkpoints go", join("runs", "pretrain-tiny"))
    .option("--resume", "go on from the last checkpoint in the folder")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      '\nExample:\n  $ etalon pretrain --preset tiny -o runs/tiny && etalon sample --model runs/tiny --prompt "red heart"',
    )
    .action(run);
}

async function run({ output, resume, json, ...options }: Options): Promise<void> {
  const { name, threads, why } = await engine();
  remark(`engine ${name}, ${threads} threads (${why})`);
  const { signal, dispose } = interruptSignal();
  const bar = progressBar();
  const given = Object.fromEntries(
    ["steps", "batch", "seed"].flatMap((key) => (key in options ? [[key, options[key as keyof typeof options]]] : [])),
  );
  let smooth = Number.NaN;
  let last = 0;
  try {
    for await (const { step, steps, loss } of pretrain({ out: output, resume, signal, ...given })) {
      smooth = Number.isNaN(smooth) ? loss : 0.98 * smooth + 0.02 * loss;
      last = step;
      bar.update({ stage: "pre-training", done: step, total: steps, note: `loss ${smooth.toFixed(4)}` });
    }
  } finally {
    bar.stop();
    dispose();
  }
  if (json) printJson({ model: output, steps: last, loss: smooth });
  else print(`${last} updates, loss ${smooth.toFixed(4)}; the model is in ${output}`);
}
