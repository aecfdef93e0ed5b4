import { EtalonError } from "@etalon/errors";
import { loadPrompts, readImages } from "@etalon/models";
import { loadReward, scoreChecked } from "@etalon/rewards";
import { Command } from "commander";
import { print, printJson } from "../output.ts";

/** `etalon score`: rewards of pictures that exist. */
export function scoreCommand(): Command {
  return new Command("score")
    .description("score existing pictures by a reward")
    .argument("<images...>", "picture files")
    .requiredOption("--reward <name>", "a reward's name, or a .js file")
    .option(
      "--prompts <list>",
      "a file with a prompt a picture, or one prompt for all; needed by rewards that read them",
    )
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  $ etalon score --reward jpeg-incompressibility out/*.png")
    .action(run);
}

async function run(
  files: string[],
  { reward: name, prompts: list, json }: { reward: string; prompts?: string; json?: boolean },
): Promise<void> {
  const reward = await loadReward(name);
  const prompts = promptsFor(files, list);
  const scores = await scoreChecked(reward, await readImages(files), prompts);
  const rows = files.map((file, i) => ({ file, prompt: prompts[i], score: scores[i] }));
  if (json) printJson({ reward: reward.name, scores: rows });
  else print(...rows.map(({ file, score }) => `${score.toFixed(4).padStart(12)}  ${file}`));
}

function promptsFor(files: readonly string[], list: string | undefined): string[] {
  const prompts = list === undefined ? [""] : loadPrompts(list);
  if (prompts.length === 1) return files.map(() => prompts[0]);
  if (prompts.length === files.length) return prompts;
  throw new EtalonError("BAD_SHAPE", {
    argument: "--prompts",
    value: prompts.length,
    allowed: `1 or ${files.length} prompts, as there are pictures`,
  });
}
