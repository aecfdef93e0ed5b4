import { join } from "node:path";
import { check } from "@etalon/errors";
import { pretrain } from "@etalon/models/pretrain";
import { pretrainTinyClip } from "@etalon/rewards/pretrain";
import { Command, Option } from "commander";
import { count, number, seed } from "../options.ts";
import { print, printJson } from "../output.ts";
import { watched } from "../watched.ts";

interface Options {
  preset: "tiny" | "tiny-clip";
  output?: string;
  resume?: boolean;
  steps?: number;
  batch?: number;
  seconds?: number;
  seed?: number;
  json?: boolean;
}

/** `etalon pretrain`: makes the weights that the packages carry, from the emoji pictures. */
export function pretrainCommand(): Command {
  return new Command("pretrain")
    .description("make the weights of the tiny default or of its scorer (fetches 60 MB of pictures by npm)")
    .addOption(new Option("--preset <name>", "what to pre-train").choices(["tiny", "tiny-clip"]).default("tiny"))
    .option("--steps <count>", "updates in all", count("steps"))
    .option("--batch <count>", "pictures an update", count("batch"))
    .option("--seconds <number>", "tiny: stop, with a checkpoint, after so long", number("seconds", { above: 0 }))
    .option("--seed <number>", "seed of data order and initial weights", seed)
    .option("-o, --output <folder>", "where the model goes (runs/pretrain-PRESET where left out)")
    .option("--resume", "tiny: go on from the last checkpoint in the folder")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      '\nExample:\n  $ etalon pretrain --preset tiny -o runs/tiny\n  $ etalon sample --model runs/tiny --prompt "red heart"',
    )
    .action(run);
}

async function run({ preset, output, resume, seconds, json, steps, batch, seed: start }: Options): Promise<void> {
  if (preset === "tiny-clip") {
    check.that(!resume && seconds === undefined, "OUT_OF_RANGE", {
      argument: "--resume or --seconds",
      value: true,
      allowed: "with --preset tiny",
    });
  }
  const out = output ?? join("runs", `pretrain-${preset}`);
  const given = Object.fromEntries(
    Object.entries({ steps, batch, seed: start }).filter(([, value]) => value !== undefined),
  );
  let [last, smooth] = [0, Number.NaN];
  await watched({ json }, async ({ signal, onProgress }) => {
    const updates =
      preset === "tiny"
        ? pretrain({ out, resume, seconds, signal, ...given })
        : pretrainTinyClip({ out, signal, ...given });
    for await (const { step, steps: total, loss } of updates) {
      smooth = Number.isNaN(smooth) ? loss : 0.98 * smooth + 0.02 * loss;
      last = step;
      onProgress({ stage: "pre-training", done: step, total, note: `loss ${smooth.toFixed(4)}` });
    }
  });
  const loss = Number.isNaN(smooth) ? null : smooth;
  if (json) printJson({ model: out, steps: last, loss });
  else if (loss === null) print(`nothing was left to do; the model is in ${out}`);
  else print(`${last} updates, loss ${loss.toFixed(4)}; the model is in ${out}`);
}
