import { existsSync, mkdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { EtalonError } from "@etalon/errors";
import { plan, type Rule, ruleNames, sample } from "@etalon/gddim";
import { encodePng, gridPng, type ImageBatch, loadPipeline, loadPrompts } from "@etalon/models";
import { Command, Option } from "commander";
import writeFileAtomic from "write-file-atomic";
import { count, number, seed } from "../options.ts";
import { print, printJson, remark } from "../output.ts";
import { watched } from "../watched.ts";

interface Options {
  model: string;
  adapter?: string;
  prompt?: string;
  prompts?: string;
  eta: number;
  rule: Rule;
  steps?: number;
  guidance?: number;
  seed: number;
  n: number;
  output: string;
  json?: boolean;
}

/** `etalon sample`: pictures of prompts, by the ODE or at any stochasticity. */
export function sampleCommand(): Command {
  return new Command("sample")
    .description("draw pictures of prompts: a grid, or one file each when -o is a folder")
    .option("--model <name>", "tiny, or a folder", "tiny")
    .option("--adapter <folder>", "a trained adapter to draw with")
    .option("--prompt <text>", "what to draw")
    .option("--prompts <list>", "a file with a prompt a line, or the name of a built-in list")
    .option("--eta <number>", "noise level of the sampler; 0 is the ODE", number("eta", { min: 0 }), 0)
    .addOption(new Option("--rule <name>", "the stochastic step").choices([...ruleNames]).default("gddim"))
    .option("--steps <count>", "sampler steps (the model's own default where left out)", count("steps"))
    .option("--guidance <number>", "weight of classifier-free guidance; 1 is off", number("guidance", { min: 0 }))
    .option("--seed <number>", "seed of the noise", seed, 0)
    .option("-n <count>", "pictures a prompt", count("n"), 1)
    .option("-o, --output <file>", "PNG file, or folder", "out.png")
    .option("--json", "print what was written as JSON")
    .addHelpText("after", '\nExample:\n  $ etalon sample --prompt "red heart" --eta 1.2 --steps 20 -n 4 -o hearts.png')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const prompts = promptsOf(options);
  const result = await watched(options, async ({ engine, signal, onProgress }) => {
    const pipeline = await loadPipeline(options.model);
    try {
      for (const note of pipeline.notes ?? []) remark(note);
      if (options.adapter) pipeline.model.loadAdapter(options.adapter);
      const unknown = pipeline.unknownWords(prompts);
      if (unknown.length > 0) remark(`words that ${pipeline.name} does not know are left out: ${unknown.join(", ")}`);
      const repeated = prompts.flatMap((prompt) => Array.from({ length: options.n }, () => prompt));
      const { steps = pipeline.defaults.steps, guidance = pipeline.defaults.guidance, eta, rule, seed } = options;
      const denoiser = pipeline.denoiser(repeated, { guidance });
      const trajectory = plan({ path: pipeline.path, steps, eta, rule });
      const [shape, samples] = [pipeline.latentShape(), repeated.length];
      let latents: Float32Array = new Float32Array(0);
      for await (const { index, next } of sample({
        denoiser,
        plan: trajectory,
        shape,
        seed,
        samples,
        guidance,
        signal,
      })) {
        latents = next;
        onProgress({ stage: "sampling", done: index + 1, total: steps });
      }
      denoiser.dispose();
      const files = await write(pipeline.decode(latents, samples), options);
      return { files, prompts: repeated, eta, steps, guidance, seed, engine };
    } finally {
      pipeline.dispose();
    }
  });
  if (options.json) printJson(result);
  else print(...result.files.map((file) => `wrote ${file}`));
}

function promptsOf({ prompt, prompts }: Options): string[] {
  if ((prompt === undefined) === (prompts === undefined)) {
    throw new EtalonError("OUT_OF_RANGE", {
      argument: "--prompt",
      value: prompt,
      allowed: "either --prompt or --prompts",
    });
  }
  return prompt === undefined ? loadPrompts(prompts as string) : [prompt];
}

async function write(images: ImageBatch, { output, n }: Options): Promise<string[]> {
  const isFolder = extname(output) === "" || (existsSync(output) && statSync(output).isDirectory());
  if (!isFolder) {
    const scale = Math.max(1, Math.floor(96 / images.width));
    await writeFileAtomic(output, await gridPng(images, { scale, ...(n > 1 ? { columns: Math.min(n, 12) } : {}) }));
    return [output];
  }
  mkdirSync(output, { recursive: true });
  const files = Array.from({ length: images.count }, (_, i) => join(output, `${String(i).padStart(5, "0")}.png`));
  for (const [i, file] of files.entries()) await writeFileAtomic(file, await encodePng(images, i));
  return files;
}
