import { measureGap } from "@etalon/gap";
import { loadPipeline, loadPrompts } from "@etalon/models";
import { loadReward } from "@etalon/rewards";
import { Command } from "commander";
import { count, number, seed } from "../options.ts";
import { plusMinus, print, printJson, remark } from "../output.ts";
import { refuseRun } from "../refuseRun.ts";
import { watched } from "../watched.ts";

interface Options {
  model: string;
  variant?: string;
  adapter?: string;
  adapterScale?: number;
  reward: string;
  prompts: string;
  eta: number;
  steps?: number;
  guidance?: number;
  shift?: number;
  seed: number;
  n: number;
  json?: boolean;
}

/** `etalon gap`: the reward gap of a model, paired. */
export function gapCommand(): Command {
  return new Command("gap")
    .description("measure the reward gap between the SDE at --eta and the ODE: same prompts, same initial noise")
    .option("--model <name>", "tiny, a folder, or owner/name[@revision] of the Hugging Face hub", "tiny")
    .option("--variant <name>", "weights whose files have it in their names, as fp16")
    .option("--adapter <place>", "a trained adapter: its folder or file")
    .option("--adapter-scale <number>", "weight of the adapter, on top of its own", number("adapter-scale"), 1)
    .requiredOption("--reward <name>", "a reward's name, or a .js file")
    .option("--prompts <list>", "a file with a prompt a line, or the name of a built-in list", "tiny-train")
    .option("--eta <number>", "noise level of the SDE", number("eta", { above: 0 }), 1.2)
    .option("--steps <count>", "sampler steps", count("steps"))
    .option("--guidance <number>", "weight of classifier-free guidance; 1 is off", number("guidance", { min: 0 }))
    .option("--shift <number>", "time shift of the grid, for flow models: 3 for SD3 and FLUX (the model's own where left out)", number("shift", { above: 0 })) // biome-ignore format: one thought
    .option("--seed <number>", "seed of the noise", seed, 0)
    .option("-n <count>", "pairs of pictures", count("n"), 256)
    .option("--json", "print the measurement as JSON")
    .addHelpText("after", "\nExample:\n  $ etalon gap --reward jpeg-incompressibility --eta 1.2 --steps 20 -n 256")
    .action(run);
}

async function run({ prompts: list, reward: name, json, ...options }: Options): Promise<void> {
  const { model, variant, adapter, adapterScale: scale, ...measured } = options;
  refuseRun("--model", model);
  refuseRun("--adapter", adapter);
  const prompts = loadPrompts(list);
  const reward = await loadReward(name);
  const { line } = await watched({ json }, async ({ signal, onProgress }) => {
    const pipeline = await loadPipeline(model, { variant, signal, onProgress });
    try {
      for (const note of pipeline.notes ?? []) remark(note);
      if (adapter !== undefined) pipeline.model.loadAdapter(adapter, { scale });
      return await measureGap({ ...measured, pipeline, prompts, reward, signal, onProgress });
    } finally {
      pipeline.dispose();
    }
  });
  if (json) return printJson(line);
  print(
    `reward ${line.reward}, ${line.n} pairs, ${line.steps} steps, guidance ${line.guidance}`,
    `  SDE (eta ${line.eta})  ${plusMinus(line.sde)}`,
    `  ODE            ${plusMinus(line.ode)}`,
    `  gap            ${plusMinus(line.gap)}   (SDE − ODE, paired)`,
  );
}
