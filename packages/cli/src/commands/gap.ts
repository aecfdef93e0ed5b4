import { engine } from "@etalon/engine";
import { type GapMeasurement, measureGap } from "@etalon/gap";
import { loadPipeline, loadPrompts } from "@etalon/models";
import { loadReward } from "@etalon/rewards";
import { Command } from "commander";
import { interruptSignal } from "../interrupt.ts";
import { count, number, seed } from "../options.ts";
import { plusMinus, print, printJson, remark } from "../output.ts";
import { progressBar } from "../progress.ts";

interface Options {
  model: string;
  adapter?: string;
  reward: string;
  prompts: string;
  eta: number;
  steps?: number;
  guidance?: number;
  seed: number;
  n: number;
  json?: boolean;
}

/** `etalon gap`: the reward gap of a model, paired. */
export function gapCommand(): Command {
  return new Command("gap")
    .description("measure the reward gap between the SDE at --eta and the ODE: same prompts, same initial noise")
    .option("--model <name>", "tiny, or a folder", "tiny")
    .option("--adapter <folder>", "a trained adapter")
    .requiredOption("--reward <name>", "a reward's name, or a .js file")
    .option("--prompts <list>", "a file with a prompt a line, or the name of a built-in list", "tiny-train")
    .option("--eta <number>", "noise level of the SDE", number("eta", { above: 0 }), 1.2)
    .option("--steps <count>", "sampler steps", count("steps"))
    .option("--guidance <number>", "weight of classifier-free guidance; 1 is off", number("guidance", { min: 0 }))
    .option("--seed <number>", "seed of the noise", seed, 0)
    .option("-n <count>", "pairs of pictures", count("n"), 256)
    .option("--json", "print the measurement as JSON")
    .addHelpText("after", "\nExample:\n  $ etalon gap --reward jpeg-incompressibility --eta 1.2 --steps 20 -n 256")
    .action(run);
}

async function run({ model, adapter, reward, prompts, json, steps, guidance, ...options }: Options): Promise<void> {
  const list = loadPrompts(prompts);
  const judge = await loadReward(reward);
  const { name, why } = await engine();
  if (!json) remark(`engine ${name} (${why})`);
  const pipeline = await loadPipeline(model);
  const { signal, dispose } = interruptSignal();
  const bar = progressBar();
  try {
    if (adapter) pipeline.model.loadAdapter(adapter);
    const result = await measureGap({
      pipeline,
      reward: judge,
      prompts: list,
      steps: steps ?? pipeline.defaults.steps,
      guidance: guidance ?? pipeline.defaults.guidance,
      signal,
      onProgress: bar.update,
      ...options,
    });
    const line: GapMeasurement = result.line;
    if (json) printJson(line);
    else {
      print(
        `reward ${line.reward}, ${line.n} pairs, ${line.steps} steps, guidance ${line.guidance}`,
        `  SDE (eta ${line.eta})  ${plusMinus(line.sde)}`,
        `  ODE            ${plusMinus(line.ode)}`,
        `  gap            ${plusMinus(line.gap)}   (SDE − ODE, paired)`,
      );
    }
  } finally {
    bar.stop();
    dispose();
    pipeline.dispose();
  }
}
