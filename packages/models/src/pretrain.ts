import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check, EtalonError } from "@etalon/errors";
import { readSafetensors, toFloat32, writeSafetensors } from "@etalon/weights";
import { type EmojiData, loadEmoji } from "./emoji/loadEmoji.ts";
import { vocabulary } from "./emoji/vocabulary.ts";
import { type TinyConfig, tinyDefault } from "./tiny/config.ts";
import {
  type PretrainOptions,
  type PretrainState,
  pretrainDefaults,
  pretrainState,
  pretrainStep,
} from "./tiny/pretrainStep.ts";
import { TinyTokenizer } from "./tiny/TinyTokenizer.ts";
import { TinyTransformer2DModel } from "./tiny/TinyTransformer2DModel.ts";

/** What a run of pre-training takes beside its hyper-parameters. */
export interface PretrainRun extends Partial<PretrainOptions> {
  /** The folder written to: the model at the end (and at every checkpoint), checkpoint/ to resume from, log.jsonl. */
  out: string;
  /** Goes on from `out`'s checkpoint with the options it was begun with; `steps` may be other. */
  resume?: boolean;
  /** Updates between checkpoints. */
  checkpointEvery?: number;
  /** Where the fetched data lies. */
  cache?: string;
  signal?: AbortSignal;
}

/** One update of a pre-training. */
export interface PretrainProgress {
  step: number;
  steps: number;
  loss: number;
  seconds: number;
  /** The folder with the averaged model, where this update wrote a checkpoint. */
  saved?: string;
}

/**
 * Pre-trains the tiny default on the Twemoji pictures, by flow matching, on the engine that is current. Yields after every update; a checkpoint lies in
 * `out` every `checkpointEvery` updates, at the end, and when `signal` aborts or the caller stops iterating.
 * @throws EtalonError EXISTS: `out` holds a run and `resume` is off; NOT_FOUND: nothing to resume; IO: the data can't be fetched; ABORTED: after saving
 */
export async function* pretrain(run: PretrainRun): AsyncGenerator<PretrainProgress> {
  const { out, resume = false, checkpointEvery = 500, cache, signal, ...given } = run;
  check.count("checkpointEvery", checkpointEvery);
  const checkpoint = join(out, "checkpoint");
  if (!resume && existsSync(checkpoint)) {
    throw new EtalonError("EXISTS", {
      argument: "out",
      value: out,
      allowed: "a folder without a run",
      hint: "Resume goes on with it.",
    });
  }
  if (resume && !existsSync(checkpoint))
    throw new EtalonError("NOT_FOUND", { argument: "out", value: out, allowed: "a folder with a checkpoint" });
  const options = { ...pretrainDefaults, ...(resume ? readState(checkpoint).options : {}), ...given };
  const data = await loadEmoji({ cache });
  const tokenizer = new TinyTokenizer(vocabulary(data.entries), tinyDefault.max_words);
  const model = new TinyTransformer2DModel({ ...tinyDefault, vocab_size: tokenizer.size });
  if (resume) model.load(join(checkpoint, "model.safetensors"));
  else model.initialise(options.seed);
  const state = pretrainState(model, options);
  if (resume) loadCheckpoint(checkpoint, state);
  try {
    yield* updates(state, data, tokenizer, options, { out, checkpointEvery, signal });
  } finally {
    state.optimiser.dispose();
    state.ema.dispose();
    model.dispose();
  }
}

async function* updates(
  state: PretrainState,
  data: EmojiData,
  tokenizer: TinyTokenizer,
  options: PretrainOptions,
  { out, checkpointEvery, signal }: { out: string; checkpointEvery: number; signal?: AbortSignal },
): AsyncGenerator<PretrainProgress> {
  let saved = state.step;
  try {
    while (state.step < options.steps) {
      if (signal?.aborted)
        throw new EtalonError(
          "ABORTED",
          {},
          { message: `stopped after update ${state.step}; resume goes on from there` },
        );
      const started = performance.now();
      const loss = pretrainStep(state, data, tokenizer, options);
      const due = state.step % checkpointEvery === 0 || state.step === options.steps;
      if (due) {
        save(out, state, tokenizer, options);
        saved = state.step;
      }
      const seconds = (performance.now() - started) / 1000;
      yield { step: state.step, steps: options.steps, loss, seconds, ...(due ? { saved: out } : {}) };
      await new Promise(setImmediate); // lets signals in
    }
  } finally {
    if (saved !== state.step) save(out, state, tokenizer, options);
  }
}

/** Writes the checkpoint (beside the old one, then in its place) and the averaged model in half precision. */
function save(out: string, state: PretrainState, tokenizer: TinyTokenizer, options: PretrainOptions): void {
  const [fresh, checkpoint] = [join(out, ".checkpoint-new"), join(out, "checkpoint")];
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const { model, ema, optimiser, step } = state;
  model.parameters.save(join(fresh, "model.safetensors"), "F32");
  model.parameters.save(join(fresh, "ema.safetensors"), "F32", ema.averages);
  const moments = [...optimiser.state()].map(([name, { shape, data }]) => [
    name,
    { dtype: "F32" as const, shape, data },
  ]);
  writeSafetensors(join(fresh, "optimizer.safetensors"), Object.fromEntries(moments));
  writeFileSync(join(fresh, "state.json"), `${JSON.stringify({ step, options }, null, 2)}\n`);
  rmSync(checkpoint, { recursive: true, force: true });
  renameSync(fresh, checkpoint);
  saveModel(out, model.config, tokenizer, (file) => model.parameters.save(file, "F16", ema.averages));
}

function saveModel(
  folder: string,
  config: TinyConfig,
  tokenizer: TinyTokenizer,
  saveWeights: (file: string) => void,
): void {
  saveWeights(join(folder, "diffusion_pytorch_model.safetensors"));
  writeFileSync(join(folder, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
  writeFileSync(
    join(folder, "tokenizer.json"),
    `${JSON.stringify({ length: tokenizer.length, vocabulary: tokenizer.vocabulary })}\n`,
  );
}

function readState(checkpoint: string): { step: number; options: PretrainOptions } {
  return JSON.parse(readFileSync(join(checkpoint, "state.json"), "utf8"));
}

function loadCheckpoint(checkpoint: string, state: PretrainState): void {
  const moments = readSafetensors(join(checkpoint, "optimizer.safetensors"));
  state.optimiser.load(
    new Map(
      moments.names.map((name) => [name, { shape: moments.info(name).shape, data: toFloat32(moments.get(name)) }]),
    ),
  );
  const averages = new TinyTransformer2DModel(state.model.config).load(join(checkpoint, "ema.safetensors"));
  for (const [name, average] of state.ema.averages) average.assign(averages.parameters.get(name));
  averages.dispose();
  state.step = readState(checkpoint).step;
}
