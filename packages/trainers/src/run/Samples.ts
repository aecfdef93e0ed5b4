import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gridPng } from "@etalon/models";
import writeFileAtomic from "write-file-atomic";
import type { TrainConfig } from "../config/TrainConfig.ts";
import type { Parts } from "../loadParts.ts";
import { meanAndStd } from "../parts/meanAndStd.ts";
import { rewardImages } from "../parts/rewardImages.ts";
import { rollOut } from "../parts/rollOut.ts";
import { trainingPlan } from "../parts/trainingPlan.ts";
import { appendLines } from "./appendLines.ts";
import { epochName, type OdeReward } from "./checkpoint.ts";
import { io } from "./io.ts";

const firstId = 2 ** 31; // apart from the ids of training images, which count up from 0

/** A line of samples.jsonl: a sample grid, and what the reward says of it. */
export interface SampleLine {
  epoch: number;
  /** The picture's path within the run folder. */
  file: string;
  ode: OdeReward;
}

/** A run's sample grids: the first prompts by the ODE, always from the same noise, and their mean reward. */
export class Samples {
  readonly #root: string;
  readonly #config: TrainConfig;
  readonly #parts: Parts;
  #last: SampleLine | undefined;

  /**
   * @param root  the run folder    @param epoch  the epoch that the run stands at: lines after it are taken out of samples.jsonl, as they are written again
   * @param ode  the reward of that epoch's grid, where its checkpoint has it
   */
  constructor(root: string, config: TrainConfig, parts: Parts, { epoch, ode }: { epoch: number; ode?: OdeReward }) {
    this.#root = root;
    this.#config = config;
    this.#parts = parts;
    if (ode) this.#last = { epoch, file: fileOf(epoch), ode };
    const lines = linesOf(this.#lines).filter((line) => line.epoch < epoch || (line.epoch === epoch && ode));
    if (existsSync(this.#lines)) io(this.#lines, () => writeFileAtomic.sync(this.#lines, lines.map((line) => `${JSON.stringify(line)}\n`).join(""))); // biome-ignore format: one thought
  }

  /** The newest grid's line. */
  get last(): SampleLine | undefined {
    return this.#last;
  }

  /** Draws, scores and writes the grid of an epoch: samples/000010.png and a line. Once an epoch. @throws EtalonError IO, BAD_REWARD */
  async draw(epoch: number): Promise<SampleLine> {
    if (this.#last?.epoch === epoch) return this.#last;
    const { pipeline, prompts, reward } = this.#parts;
    const { seed, sampler, checkpoint } = this.#config;
    const texts = Array.from({ length: checkpoint.samples }, (_, i) => prompts[i % prompts.length]);
    const { images } = await rollOut({
      pipeline,
      plan: trainingPlan(this.#config, pipeline.path, "ode"),
      prompts: texts,
      seed,
      ids: Uint32Array.from(texts, (_, i) => firstId + i),
      guidance: sampler.guidance,
      batch: sampler.batch,
    });
    const { total } = await rewardImages(reward, images, texts);
    const { mean, std } = meanAndStd([...total]);
    const line = { epoch, file: fileOf(epoch), ode: { mean, sem: std / Math.sqrt(Math.max(1, total.length - 1)) } };
    const png = await gridPng(images, { columns: Math.min(4, texts.length), scale: 4 });
    const file = join(this.#root, line.file);
    io(file, () => {
      mkdirSync(join(this.#root, "samples"), { recursive: true });
      writeFileAtomic.sync(file, png);
    });
    appendLines(this.#lines, [line]);
    this.#last = line;
    return line;
  }

  get #lines(): string {
    return join(this.#root, "samples.jsonl");
  }
}

const fileOf = (epoch: number): string => `samples/${epochName(epoch)}.png`;

/** The whole lines of a file; what a kill cut short is none. */
function linesOf(file: string): SampleLine[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as SampleLine];
      } catch {
        return [];
      }
    });
}
