import { gridPng } from "../images/png.ts";
import { loadPrompts } from "../prompts/loadPrompts.ts";
import { Random } from "../random.ts";
import { TinyPipeline } from "./TinyPipeline.ts";

/** What a picture of a model's progress shows. */
export interface SampleGridOptions {
  prompts?: readonly string[];
  steps?: number;
  seed?: number;
  columns?: number;
}

/**
 * One picture a prompt from the model in a folder, by the ODE from fixed noise, as a PNG grid: the same prompts and noise every time, to see what training does.
 * It is Euler's method on the flow; the sampler proper is @etalon/gddim's.
 */
export async function sampleGrid(
  folder: string,
  {
    prompts = [...loadPrompts("tiny-train"), ...loadPrompts("tiny-heldout")],
    steps = 10,
    seed = 7,
    columns = 8,
  }: SampleGridOptions = {},
): Promise<Buffer> {
  const pipeline = TinyPipeline.load(folder);
  const denoiser = pipeline.denoiser(prompts);
  const random = new Random(seed);
  const dim = pipeline.latentShape().reduce((a, b) => a * b);
  let x = new Float32Array(prompts.length * dim).map(() => random.normal());
  for (let i = 0; i < steps; i++) {
    const [t, s] = [i, i + 1].map((at) => pipeline.path.noiseTime * (1 - at / steps));
    const x0 = denoiser(x, t) as Float32Array;
    x = x.map((value, j) => (s / t) * value + (1 - s / t) * x0[j]);
  }
  denoiser.dispose();
  pipeline.dispose();
  return gridPng(pipeline.decode(x, prompts.length), { columns, scale: 3 });
}
