import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AdamW, currentEngine, engine } from "@etalon/engine";
import { check, EtalonError } from "@etalon/errors";
import { Random, TinyTokenizer } from "@etalon/models";
import { type EmojiData, loadEmoji, richCaption, shortCaption, vocabulary } from "@etalon/models/emoji";
import { augment } from "./tinyClip/augment.ts";
import { contrastiveCaption } from "./tinyClip/captions.ts";
import { tinyClipDefault } from "./tinyClip/config.ts";
import { contrastiveStep } from "./tinyClip/contrastiveStep.ts";
import { type Retrieval, retrieval } from "./tinyClip/retrieval.ts";
import { type Split, splitEmoji } from "./tinyClip/splitEmoji.ts";
import { TinyClip } from "./tinyClip/TinyClip.ts";

export type { Retrieval };

/** Hyper-parameters of the scorer's training. */
export interface TinyClipTraining {
  steps: number;
  batch: number;
  /** Peak learning rate, reached after 5 % of the steps; a cosine to zero follows. */
  learningRate: number;
  weightDecay: number;
  /** Largest shift of a picture, in pixels, and largest standard deviation of its noise, in units of [−1, 1]. */
  shift: number;
  noise: number;
  /** Base emoji (with all their variants) that are never trained on. */
  heldOut: number;
  seed: number;
}

export const tinyClipTraining: TinyClipTraining = {
  steps: 1200,
  batch: 256,
  learningRate: 1e-3,
  weightDecay: 0.1,
  shift: 2,
  noise: 0.3,
  heldOut: 100,
  seed: 0,
};

export interface TinyClipRun extends Partial<TinyClipTraining> {
  /** The folder written to at the end: config.json, tokenizer.json, model.safetensors (float16), training.json. */
  out: string;
  /** Updates between measurements of retrieval; default: only at the end. */
  measureEvery?: number;
  /** Where the fetched data lies. */
  cache?: string;
  signal?: AbortSignal;
}

/** Text-to-image retrieval by short and rich captions: among the base emoji held out, and among as many of those trained on. */
export type RetrievalTable = Record<"heldOutShort" | "heldOutRich" | "seenShort" | "seenRich", Retrieval>;

/** One update of the scorer's training. */
export interface TinyClipProgress {
  step: number;
  steps: number;
  loss: number;
  /** Share of the batch's captions whose own picture came first. */
  accuracy: number;
  seconds: number;
  retrieval?: RetrievalTable;
  /** The folder with the model, at the last update. */
  saved?: string;
}

/**
 * Trains the tiny-clip scorer on the Twemoji pictures, by a contrastive loss, on the engine that is current. Yields after every update and writes the model after
 * the last; stopped before, it writes nothing. The same seed on the same engine and machine gives the same weights.
 * @throws EtalonError OUT_OF_RANGE: an option; IO: the data can't be fetched or the model not written; ABORTED: by `signal`
 */
export async function* pretrainTinyClip(run: TinyClipRun): AsyncGenerator<TinyClipProgress> {
  const { out, measureEvery, cache, signal, ...given } = run;
  const training = checkTraining({ ...tinyClipTraining, ...given });
  if (measureEvery !== undefined) check.count("measureEvery", measureEvery);
  if (!currentEngine()) await engine();
  const data = await loadEmoji({ cache });
  const split = splitEmoji(data.entries, training.heldOut, new Random(training.seed, 1));
  check.range("batch", training.batch, { min: 2, max: split.seen.length, integer: true });
  const tokenizer = new TinyTokenizer(vocabulary(data.entries), 12);
  const model = new TinyClip({ ...tinyClipDefault, vocab_size: tokenizer.size }, tokenizer);
  model.initialise(new Random(training.seed));
  const { learningRate, weightDecay, steps } = training;
  const optimiser = new AdamW(model.parameters.variables, { learningRate, beta1: 0.9, beta2: 0.98, weightDecay });
  try {
    for (let step = 0; step < steps; step++) {
      if (signal?.aborted)
        throw new EtalonError("ABORTED", {}, { message: `stopped after update ${step} of ${steps}` });
      const started = performance.now();
      const { images, captions } = drawBatch(data, split, training, new Random(training.seed, 2 + step));
      const result = contrastiveStep(model, optimiser, images, captions, learningRateAt(step, training));
      const seconds = (performance.now() - started) / 1000;
      const last = step + 1 === steps;
      const due = last || (measureEvery !== undefined && (step + 1) % measureEvery === 0);
      const measured = due ? { retrieval: measure(model, data, split) } : {};
      if (last) save(out, model, training, measured.retrieval);
      yield { step: step + 1, steps, ...result, seconds, ...measured, ...(last ? { saved: out } : {}) };
      await new Promise(setImmediate); // lets signals in
    }
  } finally {
    optimiser.dispose();
    model.dispose();
  }
}

function checkTraining(training: TinyClipTraining): TinyClipTraining {
  check.count("steps", training.steps);
  check.range("learningRate", training.learningRate, { above: 0 });
  check.range("weightDecay", training.weightDecay, { min: 0 });
  check.range("shift", training.shift, { min: 0, max: 31, integer: true });
  check.range("noise", training.noise, { min: 0 });
  check.range("heldOut", training.heldOut, { min: 1, integer: true });
  check.range("seed", training.seed, { min: 0, integer: true });
  return training;
}

/** How often a skin-tone variant is drawn, relative to a base emoji. */
const toneWeight = 0.15;

/** Different emoji, each with one caption and an augmented picture. */
function drawBatch(data: EmojiData, { seen }: Split, { batch, shift, noise }: TinyClipTraining, random: Random) {
  const side = tinyClipDefault.image_size;
  const size = side * side * 3;
  const images = new Float32Array(batch * size);
  const captions: string[] = [];
  const taken = new Set<number>();
  while (captions.length < batch) {
    const index = random.pick(seen);
    const entry = data.entries[index];
    if (taken.has(index) || random.uniform() >= (entry.tone === "" ? 1 : toneWeight)) continue;
    taken.add(index);
    const target = images.subarray(captions.length * size, (captions.length + 1) * size);
    augment(data.images.subarray(index * size, (index + 1) * size), target, side, random, { shift, noise });
    captions.push(contrastiveCaption(entry, random));
  }
  return { images, captions };
}

function learningRateAt(step: number, { steps, learningRate }: TinyClipTraining): number {
  const warm = Math.min(1, (step + 1) / Math.ceil(0.05 * steps));
  return learningRate * warm * 0.5 * (1 + Math.cos((Math.PI * step) / steps));
}

function measure(model: TinyClip, { entries, images }: EmojiData, { heldOutBase, seenBase }: Split): RetrievalTable {
  const size = tinyClipDefault.image_size ** 2 * 3;
  const rank = (list: readonly number[], caption: typeof shortCaption) => {
    const pictures = new Float32Array(list.length * size);
    for (const [i, index] of list.entries()) {
      pictures.set(images.subarray(index * size, (index + 1) * size), i * size);
    }
    const captions = list.map((index) => caption(entries[index]));
    return retrieval(model, pictures, captions);
  };
  const seen = seenBase.slice(0, heldOutBase.length);
  return {
    heldOutShort: rank(heldOutBase, shortCaption),
    heldOutRich: rank(heldOutBase, (entry) => richCaption(entry)),
    seenShort: rank(seen, shortCaption),
    seenRich: rank(seen, (entry) => richCaption(entry)),
  };
}

function save(folder: string, model: TinyClip, training: TinyClipTraining, measured?: RetrievalTable): void {
  try {
    mkdirSync(folder, { recursive: true });
    const { length, vocabulary: list } = model.tokenizer;
    writeFileSync(join(folder, "config.json"), `${JSON.stringify(model.config, null, 2)}\n`);
    writeFileSync(join(folder, "tokenizer.json"), `${JSON.stringify({ length, vocabulary: list })}\n`);
    writeFileSync(join(folder, "training.json"), `${JSON.stringify({ training, retrieval: measured }, null, 2)}\n`);
  } catch (cause) {
    const hint = `${cause instanceof Error ? cause.message : cause}.`;
    throw new EtalonError(
      "IO",
      { argument: "out", value: folder, allowed: "a folder that can be written", hint },
      { cause },
    );
  }
  model.parameters.save(join(folder, "model.safetensors"), "F16");
}
