/**
 * Kills a training again and again (SIGKILL) and resumes it, until it is done, and begins anew until so many kills are made: at random times, every second one while
 * a checkpoint is being written. After each kill every checkpoint must be readable and every one that was reported as saved must be there, but for those that newer
 * ones have taken the place of; at the end all must be as the run that was never stopped: weights, optimiser, state, metrics, measurements, rewards of the sample grids.
 *
 *   npm run kill-test -w @etalon/cli -- --kills 100 --seed 1
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Random } from "@etalon/models";
import { readSafetensors } from "@etalon/weights";

const { values } = parseArgs({ options: { kills: { type: "string", default: "100" }, seed: { type: "string", default: "1" } } }); // biome-ignore format: one thought
const [wanted, seed] = [Number(values.kills), Number(values.seed)];
const keep = 2;
const sets = ["train.epochs=8", "sampler.steps=2", "train.promptsPerEpoch=2", "train.groupSize=2", "train.trainedSteps=1", "checkpoint.every=1", `checkpoint.keep=${keep}`, "checkpoint.samples=4", "measure.every=4", "measure.samples=4", "measure.steps=2"]; // biome-ignore format: a list

const root = mkdtempSync(join(tmpdir(), "etalon-kill-"));
const bin = new URL("../bin/etalon.js", import.meta.url).pathname;
const train = (out) => [
  "train",
  "--preset",
  "tiny-ddpo",
  ...sets.flatMap((set) => ["--set", set]),
  "--resume",
  "-o",
  out,
];

/** Runs the training; `arm` may kill it. Gives how it ended, the epochs that it reported as saved, and its last words. */
function life(out, arm = () => {}) {
  const child = spawn(process.execPath, [bin, ...train(out)], { stdio: ["ignore", "ignore", "pipe"] });
  const began = performance.now();
  let text = "";
  child.stderr.on("data", (piece) => {
    text += piece;
  });
  const disarm = arm(() => child.kill("SIGKILL"));
  return new Promise((settle) =>
    child.on("close", (code, signal) => {
      disarm?.();
      const saved = [...text.matchAll(/^saved checkpoints\/(\d+)/gm)].map(([, epoch]) => Number(epoch));
      settle({ code, signal, saved, text, seconds: (performance.now() - began) / 1000 });
    }),
  );
}

/** Kills at a time after the start, or some milliseconds after the n-th checkpoint has begun to be written. */
function killer(out, random, usual) {
  if (random.uniform() < 0.5) {
    const wait = 1000 * usual * (0.2 + 0.9 * random.uniform());
    return { kind: "any time", arm: (kill) => timer(kill, wait) };
  }
  const [after, wait] = [1 + random.below(3), 40 * random.uniform() ** 2];
  const arm = (kill) => {
    const folder = join(out, "checkpoints");
    const [seen, timers] = [new Set(), []];
    const look = setInterval(() => {
      if (!existsSync(folder)) return;
      clearInterval(look);
      const watcher = watch(folder, (_, name) => {
        if (!/^\.\d+\.partial$/.test(name ?? "") || seen.has(name)) return;
        seen.add(name);
        if (seen.size === after) timers.push(timer(kill, wait));
      });
      timers.push(() => watcher.close());
    }, 5);
    timers.push(() => clearInterval(look));
    return () => {
      for (const stop of timers) stop();
    };
  };
  return { kind: "in a save", arm };
}

function timer(act, wait) {
  const handle = setTimeout(act, wait);
  return () => clearTimeout(handle);
}

const checkpointsOf = (out) => (existsSync(join(out, "checkpoints")) ? readdirSync(join(out, "checkpoints")).filter((name) => /^\d+$/.test(name)) : []); // biome-ignore format: one thought

/** Reads all of every checkpoint, and looks for those that were reported. */
function inspect(out, saved) {
  const names = checkpointsOf(out);
  for (const name of names) {
    const folder = join(out, "checkpoints", name);
    JSON.parse(readFileSync(join(folder, "state.json"), "utf8"));
    for (const file of ["optimizer.safetensors", "diffusion_pytorch_model.safetensors"]) {
      const stored = readSafetensors(join(folder, file));
      for (const tensor of stored.names) stored.get(tensor);
    }
  }
  const there = names.map(Number);
  const missing = saved.filter(
    (epoch) => !there.includes(epoch) && there.filter((newer) => newer > epoch).length < keep,
  );
  if (missing.length > 0) throw new Error(`reported as saved, and missing: ${missing}; there: ${there}`);
}

/** All of a folder that must repeat, as one digest a part. */
function trace(out) {
  const digest = (text) => createHash("sha256").update(text).digest("hex").slice(0, 16);
  const lines = readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n");
  const parts = {
    metrics: digest(lines.map((line) => JSON.stringify({ ...JSON.parse(line), seconds: 0 })).join("\n")),
  };
  for (const file of ["gap.jsonl", "samples.jsonl", "best.json"]) parts[file] = digest(readFileSync(join(out, file)));
  const names = checkpointsOf(out);
  parts.checkpoints = names.join(" ");
  for (const name of names)
    for (const file of readdirSync(join(out, "checkpoints", name)).sort())
      if (!file.startsWith(".")) parts[`${name}/${file}`] = digestOf(join(out, "checkpoints", name, file), digest);
  return parts;
}

const digestOf = (place, digest) => digest(readFileSync(place));

const random = new Random(seed);
const whole = join(root, "whole");
const reference = await life(whole);
if (reference.code !== 0) throw new Error(reference.text);
const expected = JSON.stringify(trace(whole));
console.log(
  `never stopped: ${reference.seconds.toFixed(1)} s, ${reference.saved.length} checkpoints reported; kills to make: ${wanted}, seed ${seed}`,
);

const count = { kills: 0, inSave: 0, late: 0, runs: 0, unfinished: 0 };
while (count.kills < wanted) {
  const out = join(root, `run-${count.runs++}`);
  const saved = [];
  for (let done = false; !done; ) {
    const { kind, arm } =
      count.kills < wanted ? killer(out, random, reference.seconds) : { kind: "none", arm: undefined };
    const { code, signal, saved: now, text, seconds } = await life(out, arm);
    saved.push(...now);
    if (signal === "SIGKILL") count.kills++;
    else if (code !== 0) throw new Error(`exit ${code}: ${text}`);
    else done = true;
    const partial =
      existsSync(join(out, "checkpoints")) &&
      readdirSync(join(out, "checkpoints")).some((name) => name.endsWith(".partial"));
    if (signal === "SIGKILL" && partial) count.inSave++;
    inspect(out, saved);
    if (signal === "SIGKILL")
      console.log(
        `kill ${count.kills}/${wanted} (${kind}${partial ? ", a checkpoint half written" : ""}) after ${seconds.toFixed(2)} s; checkpoints ${checkpointsOf(out).join(" ") || "none"}`,
      );
  }
  const found = JSON.stringify(trace(out));
  if (found !== expected)
    throw new Error(`run ${count.runs} ended otherwise than the one never stopped:\n${found}\n${expected}`);
  console.log(`run ${count.runs} is done: the same bits as the one never stopped`);
  rmSync(out, { recursive: true });
}
rmSync(root, { recursive: true });
console.log(
  `${count.kills} kills, ${count.inSave} of them with a checkpoint half written; ${count.runs} runs, all with the bits of the one never stopped; no checkpoint unreadable, none that was reported missing`,
);
