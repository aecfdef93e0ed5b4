import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { gridPng } from "@etalon/models";
import writeFileAtomic from "write-file-atomic";
import type { TrainConfig } from "../config/TrainConfig.ts";
import type { Parts } from "../loadParts.ts";
import { rollOut } from "../parts/rollOut.ts";
import { trainingPlan } from "../parts/trainingPlan.ts";
import { epochName } from "./checkpoint.ts";
import { io } from "./io.ts";

const count = 16;
const firstId = 2 ** 31; // apart from the ids of training images, which count up from 0

/** Draws the first prompts by the ODE, always from the same noise, and writes them as a grid: samples/000010.png. @throws EtalonError IO */
export async function writeSamples(
  root: string,
  epoch: number,
  config: TrainConfig,
  { pipeline, prompts }: Parts,
): Promise<void> {
  const texts = Array.from({ length: count }, (_, i) => prompts[i % prompts.length]);
  const { seed, sampler } = config;
  const { images } = await rollOut({
    pipeline,
    plan: trainingPlan(config, pipeline.path, "ode"),
    prompts: texts,
    seed,
    ids: Uint32Array.from(texts, (_, i) => firstId + i),
    guidance: sampler.guidance,
    batch: sampler.batch,
  });
  const folder = join(root, "samples");
  const file = join(folder, `${epochName(epoch)}.png`);
  const png = await gridPng(images, { columns: 4, scale: 4 });
  io(file, () => {
    mkdirSync(folder, { recursive: true });
    writeFileAtomic.sync(file, png);
  });
}
