import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { currentEngine, engine } from "@etalon/engine";
import { check, EtalonError } from "@etalon/errors";
import writeFileAtomic from "write-file-atomic";
import { type EmojiData, loadEmoji } from "./emoji/loadEmoji.ts";
import { vocabulary } from "./emoji/vocabulary.ts";
import { checkTinyConfig, type TinyConfig, tinyDefault } from "./tiny/config.ts";
import { findCheckpoint, loadCheckpoint, readCheckpointState, saveCheckpoint } from "./tiny/pretrainCheckpoint.ts";
import {
  learningRateAt,
  type PretrainOptions,
  type PretrainState,
  pretrainDefaults,
  pretrainState,
  pretrainStep,
} from "./tiny/pretrainStep.ts";
import { sampleGrid } from "./tiny/sampleGrid.ts";
import { TinyTokenizer } from "./tiny/TinyTokenizer.ts";
import { TinyTransformer2DModel } from "./tiny/TinyTransformer2DModel.ts";

/** What can be pre-trained. */
export const pretrainPresets = ["tiny"] as const;

/** What a run of pre-training takes beside its hyper-parameters. */
export interface PretrainRun extends Partial<PretrainOptions> {
  preset?: (typeof pretrainPresets)[number];
  /** Sizes of the network other than the preset's. */
  network?: Partial<Omit<TinyConfig, "_class_name" | "vocab_size">>;
  /** The folder written to: the averaged model (as `loadPipeline` reads it), checkpoint/ to resume from, log.jsonl, samples/. */
  out: string;
  /** Goes on from `out`'s checkpoint with the options it was begun with; those given here override. */
  resume?: boolean;
  /** Stops, with a checkpoint, at the first update that ends after so many seconds; a resumed run goes on. */
  seconds?: number;
  /** Updates between checkpoints. */
  checkpointEvery?: number;
  /** Where the fetched data lies; see `loadEmoji`. */
  cache?: string;
  /** The data, where the caller has it already. */
  data?: EmojiData;
  onProgress?: (progress: { stage: string; done: number; total: number; note?: string }) => void;
  signal?: AbortSignal;
}

/** One update of a pre-training. */
export interface PretrainProgress {
  step: number;
  steps: number;
  loss: number;
  learningRate: number;
  seconds: number;
  /** The folder with the averaged model, where this update wrote a checkpoint. */
  saved?: string;
}

/**
 * Pre-trains the tiny default on the Twemoji pictures, by flow matching, on the engine that is current (the default one, where none is). Yields after every update; a checkpoint and a picture of
 * samples lie in `out` every `checkpointEvery` updates, and a checkpoint at the end, when `signal` aborts, and when the caller stops iterating.
 * Draws depend on (seed, update) only: a resumed run repeats an uninterrupted one bit by bit on the same engine.
 * @throws EtalonError EXISTS: `out` holds a run and `resume` is off; NOT_FOUND: nothing to resume; IO: the data can't be fetched; NOT_FINITE; ABORTED: after saving
 */
export async function* pretrain(run: PretrainRun): AsyncGenerator<PretrainProgress> {
  const { options, network, checkpoint } = checkRun(run);
  const { out, onProgress } = run;
  if (!currentEngine()) await engine();
  onProgress?.({ stage: "data", done: 0, total: 1 });
  const data = run.data ?? (await loadEmoji({ cache: run.cache }));
  const tokenizer = new TinyTokenizer(vocabulary(data.entries), network.max_words);
  const model = new TinyTransformer2DModel({ ...network, vocab_size: tokenizer.size }).initialise(options.seed);
  const state = pretrainState(model, options);
  try {
    if (checkpoint !== undefined) loadCheckpoint(checkpoint, state);
    mkdirSync(join(out, "samples"), { recursive: true });
    cutLog(join(out, "log.jsonl"), state.step);
    yield* updates(run, state, data, tokenizer, options);
  } finally {
    state.optimiser.dispose();
    state.ema.dispose();
    model.dispose();
  }
}

function checkRun(run: PretrainRun) {
  check.oneOf("preset", run.preset ?? "tiny", pretrainPresets, "NOT_FOUND");
  check.text("out", run.out);
  check.count("checkpointEvery", run.checkpointEvery ?? 500);
  if (run.seconds !== undefined) check.range("seconds", run.seconds, { above: 0 });
  const checkpoint = findCheckpoint(run.out);
  if (run.resume !== true && checkpoint !== undefined) {
    const hint = "Resume goes on with it.";
    throw new EtalonError("EXISTS", { argument: "out", value: run.out, allowed: "a folder without a run", hint });
  }
  if (run.resume === true && checkpoint === undefined) {
    throw new EtalonError("NOT_FOUND", { argument: "out", value: run.out, allowed: "a folder with a checkpoint" });
  }
  const options = { ...pretrainDefaults, ...(checkpoint === undefined ? {} : readCheckpointState(checkpoint).options) };
  for (const key of Object.keys(pretrainDefaults) as (keyof PretrainOptions)[]) options[key] = run[key] ?? options[key];
  check.count("steps", options.steps);
  check.count("batch", options.batch);
  check.range("learningRate", options.learningRate, { above: 0 });
  check.range("warmup", options.warmup, { min: 1, integer: true });
  check.range("emaDecay", options.emaDecay, { min: 0, below: 1 });
  check.range("seed", options.seed, { min: 0, integer: true });
  const network = { ...tinyDefault, ...(checkpoint === undefined ? run.network : readNetwork(run.out)) };
  return { options, network, checkpoint };
}

/** The network that a run was begun with. */
const readNetwork = (out: string): TinyConfig =>
  checkTinyConfig(JSON.parse(readFileSync(join(out, "config.json"), "utf8")) as Record<string, unknown>);

async function* updates(
  { out, checkpointEvery = 500, seconds = Infinity, onProgress, signal }: PretrainRun,
  state: PretrainState,
  data: EmojiData,
  tokenizer: TinyTokenizer,
  options: PretrainOptions,
): AsyncGenerator<PretrainProgress> {
  const { steps } = options;
  const end = performance.now() + 1000 * seconds;
  let saved = state.step;
  const save = () => {
    saveCheckpoint(out, state, tokenizer, options);
    saved = state.step;
  };
  try {
    while (state.step < steps && performance.now() < end) {
      if (signal?.aborted) {
        const message = `stopped after update ${state.step}; resume goes on from there`;
        throw new EtalonError("ABORTED", {}, { message });
      }
      const started = performance.now();
      const learningRate = learningRateAt(state.step, options);
      const loss = pretrainStep(state, data, tokenizer, options);
      const step = state.step;
      const line = { step, loss, learningRate, seconds: round((performance.now() - started) / 1000) };
      appendFileSync(join(out, "log.jsonl"), `${JSON.stringify(line)}\n`);
      const due = step % checkpointEvery === 0 || step === steps;
      if (due) {
        save();
        writeFileAtomic.sync(join(out, "samples", `${String(step).padStart(6, "0")}.png`), await sampleGrid(out));
      }
      onProgress?.({ stage: "pretrain", done: step, total: steps, note: `loss ${loss.toFixed(4)}` });
      yield { ...line, steps, ...(due ? { saved: out } : {}) };
      await new Promise(setImmediate); // lets signals in
    }
  } finally {
    if (saved !== state.step) save();
  }
}

/** Drops the lines of updates that are to be done again, and a line that a killed process left unfinished. */
function cutLog(file: string, step: number): void {
  const lines = existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line.endsWith("}"))
    : [];
  const kept = lines.filter((line) => (JSON.parse(line) as { step: number }).step <= step);
  writeFileSync(file, kept.map((line) => `${line}\n`).join(""));
}

const round = (seconds: number) => Math.round(seconds * 1000) / 1000;
