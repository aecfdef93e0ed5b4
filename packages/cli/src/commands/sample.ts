import { type EngineName, engine, installedEngines } from "@etalon/engine";
import { check, EtalonError } from "@etalon/errors";
import { type Rule, ruleNames } from "@etalon/gddim";
import { hashWeights, loadPipeline, loadPrompts, type Pipeline } from "@etalon/models";
import { Command, Option } from "commander";
import { count, number, seed } from "../options.ts";
import { print, printJson, remark } from "../output.ts";
import { refuseRun } from "../refuseRun.ts";
import { type Drawing, drawPictures } from "../sample/drawPictures.ts";
import { PictureConfig } from "../sample/PictureConfig.ts";
import { pictureConfigOf } from "../sample/pictureConfigOf.ts";
import { prepareOutput, writePictures } from "../sample/writePictures.ts";
import { watched } from "../watched.ts";

/** As the command line has them: what is not there is the picture's given by --from, else a default. */
interface Options {
  from?: string;
  model?: string;
  variant?: string;
  /** false: --no-adapter */
  adapter?: string | false;
  adapterScale?: number;
  prompt?: string;
  prompts?: string;
  negative?: string;
  eta?: number;
  rule?: Rule;
  steps?: number;
  guidance?: number;
  shift?: number;
  height?: number;
  width?: number;
  seed?: number;
  n?: number;
  output: string;
  json?: boolean;
}

/** `etalon sample`: pictures of prompts, by the ODE or at any stochasticity. */
export function sampleCommand(): Command {
  return new Command("sample")
    .description("draw pictures of prompts: a grid, or one file each when -o is a folder; each PNG tells how it was drawn")
    .option("--from <image>", "draw a picture again by the config in its PNG; other options lie on top")
    .option("--model <name>", "tiny, a folder, or owner/name[@revision] of the Hugging Face hub (default: tiny)")
    .option("--variant <name>", "weights whose files have it in their names, as fp16")
    .option("--adapter <place>", "a trained adapter to draw with: its folder or file")
    .option("--no-adapter", "with --from: without the adapter")
    .option("--adapter-scale <number>", "weight of the adapter, on top of its own (default: 1)", number("adapter-scale"))
    .option("--prompt <text>", "what to draw")
    .option("--prompts <list>", "a file with a prompt a line, or the name of a built-in list")
    .option("--negative <text>", "what guidance leads away from")
    .option("--eta <number>", "noise level of the sampler; 0 is the ODE (default: 0)", number("eta", { min: 0 }))
    .addOption(new Option("--rule <name>", "the stochastic step (default: gddim)").choices([...ruleNames]))
    .option("--steps <count>", "sampler steps (the model's own default where left out)", count("steps"))
    .option("--guidance <number>", "weight of classifier-free guidance; 1 is off", number("guidance", { min: 0 }))
    .option("--shift <number>", "time shift of the grid, for flow models: 3 for SD3 and FLUX (the model's own where left out)", number("shift", { above: 0 }))
    .option("--height <pixels>", "of a picture, multiples of 8 for Stable Diffusion (the model's own where left out)", count("height"))
    .option("--width <pixels>", "of a picture (its height where only that is given)", count("width"))
    .option("--seed <number>", "seed of the noise (default: 0)", seed)
    .option("-n <count>", "pictures a prompt (default: 1)", count("n"))
    .option("-o, --output <file>", "PNG file, or folder", "out.png")
    .option("--json", "print what was written as JSON")
    .addHelpText("after", '\nExamples:\n  $ etalon sample --prompt "red heart" --eta 1.2 --steps 20 -n 4 -o hearts.png\n  $ etalon sample --from hearts.png --steps 40 -o better.png')
    .action(run);
} // biome-ignore format: long lines

async function run(options: Options): Promise<void> {
  const from = options.from === undefined ? undefined : pictureConfigOf(options.from);
  const prompts = promptsOf(options, from);
  refuseRun("--model", options.model);
  refuseRun("--adapter", options.adapter || undefined);
  prepareOutput(options.output);
  const { json } = options;
  const result = await watched({ json, engine: engineOf(from) }, async (watch) => {
    const pipeline = await named("--model", options.model, options.from, () =>
      loadPipeline(options.model ?? from?.model ?? "tiny", { variant: variantOf(options, from), signal: watch.signal, onProgress: watch.onProgress }));
    try {
      for (const note of pipeline.notes ?? []) remark(note);
      const drawing = await drawingOf(pipeline, prompts, options, from);
      tellDifferences(drawing, options, from);
      const unknown = pipeline.unknownWords(prompts);
      if (unknown.length > 0) remark(`words that ${pipeline.name} does not know are left out: ${unknown.join(", ")}`);
      if (drawing.negative !== "" && drawing.guidance === 1) remark("guidance 1 is off: --negative has no effect");
      const images = await drawPictures(pipeline, drawing, watch);
      const config = { ...drawing, height: images.height, width: images.width };
      const files = await writePictures(images, config, options.output);
      return { files, ...config, prompts: prompts.flatMap((prompt) => Array.from({ length: config.n }, () => prompt)) };
    } finally {
      pipeline.dispose();
    }
  });
  if (json) printJson(result);
  else print(...result.files.map((file) => `wrote ${file}`));
} // biome-ignore format: long lines

function promptsOf({ prompt, prompts }: Options, from: PictureConfig | undefined): string[] {
  if (prompt === undefined && prompts === undefined && from !== undefined) return from.prompts;
  if ((prompt === undefined) === (prompts === undefined)) {
    throw new EtalonError("OUT_OF_RANGE", {
      argument: "--prompt",
      value: prompt,
      allowed: "either --prompt or --prompts",
    });
  }
  return prompt === undefined ? loadPrompts(prompts as string) : [prompt];
}

/** The engine that drew a picture, where it is here and ETALON_ENGINE says no other. */
function engineOf(from: PictureConfig | undefined): EngineName | undefined {
  if (from === undefined || from.engine === "auto" || process.env.ETALON_ENGINE) return undefined;
  return installedEngines().includes(from.engine) ? from.engine : undefined;
}

/** A model of another name has no use for a picture's variant. */
const variantOf = ({ model, variant }: Options, from: PictureConfig | undefined): string | undefined =>
  variant ?? (model === undefined ? (from?.variant ?? undefined) : undefined);

/** The config but for sizes that are the model's own: options on top of a picture's, on top of the defaults. Loads the adapter that it names. */
async function drawingOf(
  pipeline: Pipeline,
  prompts: string[],
  options: Options,
  from: PictureConfig | undefined,
): Promise<Drawing> {
  const { files, defaults } = pipeline;
  const given = {
    ...from,
    ...Object.fromEntries(
      Object.entries(options).filter(([key, value]) => value !== undefined && key in PictureConfig.shape),
    ),
  } as Partial<PictureConfig>;
  const {
    negative = "",
    n = 1,
    first = 0,
    eta = 0,
    rule = "gddim",
    steps = defaults.steps,
    guidance = defaults.guidance,
    shift,
    seed = 0,
    height,
    width,
  } = given;
  return {
    etalon: 1,
    model: files?.source ?? pipeline.name,
    variant: files?.variant ?? null,
    weights: await hashWeights(files?.folder ?? pipeline.name, files?.variant),
    adapter: await adapterOf(pipeline, options, from),
    ...{ prompts, negative, n, first, eta, rule, steps, guidance, shift, seed, height, width },
    engine: (await engine()).name,
  };
}

async function adapterOf(
  pipeline: Pipeline,
  { adapter, adapterScale, from: image }: Options,
  from: PictureConfig | undefined,
): Promise<PictureConfig["adapter"]> {
  const place = adapter === false ? undefined : (adapter ?? from?.adapter?.place);
  if (place === undefined) {
    check.that(adapterScale === undefined, "OUT_OF_RANGE", {
      argument: "--adapter-scale",
      value: adapterScale,
      allowed: "a number beside --adapter",
    });
    return null;
  }
  const scale = adapterScale ?? (adapter === undefined ? from?.adapter?.scale : undefined) ?? 1;
  return named("--adapter", adapter, image, async () => {
    pipeline.model.loadAdapter(place, { scale });
    return { place, scale, weights: await hashWeights(place) };
  });
}

/** An error on what a picture's config names says so, and which option names another. */
async function named<T>(flag: string, given: unknown, image: string | undefined, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (given !== undefined || image === undefined || !EtalonError.is(error) || error.code !== "NOT_FOUND") throw error;
    throw new EtalonError(error.code, error.detail, {
      message: `${error.message} ${image} names it; ${flag} says where it is now.`,
      cause: error,
    });
  }
}

/** What is not as it was when the picture was drawn, though no option says so. */
function tellDifferences(now: Drawing, options: Options, from: PictureConfig | undefined): void {
  if (from === undefined) return;
  const differ = (what: string, then: string, found: string) => then !== found && remark(`warning: ${what} (sha256 ${found.slice(0, 12)}) not those that drew ${options.from} (${then.slice(0, 12)}): the picture will differ`);
  if (options.model === undefined && options.variant === undefined) differ(`the weights of ${now.model} are`, from.weights, now.weights);
  if (options.adapter === undefined && now.adapter && from.adapter) differ(`the weights of ${now.adapter.place} are`, from.adapter.weights, now.adapter.weights);
  if (now.engine !== from.engine) remark(`warning: ${options.from} was drawn on the engine ${from.engine}, this is ${now.engine}: pixels may differ in their last bits`);
} // biome-ignore format: long lines
