import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"; // biome-ignore format: a list
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { engine, tf } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { defineReward } from "@etalon/rewards";
import { bundleSource, ended, runTrace, thrown } from "@etalon/testkit";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ddpo, type Metrics, openRun, type Progress, parseTrainConfig, type RunOptions } from "../src/index.ts";
import { fakePipeline } from "./fakePipeline.ts";
import { killableRun } from "./killableRun.ts";
import { readEvents } from "./readEvents.ts";
import { bright, config, prompts, train } from "./shortRun.ts";

let root = "";
beforeAll(async () => {
  await engine("wasm");
  root = mkdtempSync(join(tmpdir(), "etalon-trainers-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("a run", () => {
  test("learns, and leaves the folder that the contract names", async () => {
    const out = join(root, "plain");
    const lines = await train({ out, config: config(["train.epochs=12"]) });
    const mean = (some: Metrics[]) => some.reduce((sum, line) => sum + line.reward.mean, 0) / some.length;
    expect(mean(lines.slice(-3))).toBeGreaterThan(mean(lines.slice(0, 3)));
    expect(readdirSync(out).sort()).toEqual(["best.json", "checkpoints", "config.json", "metrics.jsonl", "samples", "samples.jsonl", "self-check.json"]); // biome-ignore format: a list
    expect(readdirSync(join(out, "checkpoints"))).toEqual(["000010", "000012"]);
    expect(readdirSync(join(out, "checkpoints", "000012")).sort()).toEqual(["optimizer.safetensors", "pytorch_lora_weights.safetensors", "state.json"]); // biome-ignore format: a list
    expect(readdirSync(join(out, "samples"))).toContain("000000.png");
    const logged = readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line)); // biome-ignore format: short
    expect(logged).toEqual(lines);
    expect(Object.keys(logged[0])).toEqual(["step", "epoch", "reward", "loss", "ratio", "clipFraction", "kl", "gradNorm", "lr", "skipped", "seconds"]); // biome-ignore format: a list
    expect(logged[0].ratio.max).toBeCloseTo(1, 6);
    expect(parseTrainConfig(JSON.parse(readFileSync(join(out, "config.json"), "utf8"))).train.epochs).toBe(12);
  });

  test("tells of each epoch the reward of its images, the newest grid's by the ODE, the share clipped and its seconds, as the files have them", async () => {
    const out = join(root, "told");
    const notes = new Map<number, string>();
    const onProgress = ({ stage, done, note }: Progress) => stage === "train" && Number.isInteger(done) && note?.startsWith("reward") && notes.set(done, note); // biome-ignore format: one thought
    const lines = await train({ out, config: config(["train.epochs=4", "train.innerEpochs=3", "train.learningRate=0.1", "train.clip=1e-3"]), onProgress }); // biome-ignore format: one thought
    const grids = readFileSync(join(out, "samples.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line)); // biome-ignore format: short
    expect(grids.map(({ epoch }) => epoch)).toEqual([0, 2, 4]);
    expect([...notes.keys()]).toEqual([1, 2, 3, 4]);
    const last = lines.filter((line, i) => line.epoch !== lines[i + 1]?.epoch);
    for (const { epoch, reward, clipFraction, seconds } of last) {
      const { ode } = grids.findLast((grid) => grid.epoch <= epoch);
      const error = reward.std / Math.sqrt(6);
      const all = seconds.rollout + seconds.reward + seconds.update;
      expect(notes.get(epoch)).toBe(
        `reward ${reward.mean.toPrecision(4)} ± ${error.toPrecision(2)}, ODE ${ode.mean.toPrecision(4)} ± ${ode.sem.toPrecision(2)}, clipped ${Math.round(100 * clipFraction)} %, ${all.toPrecision(2)} s/it`,
      );
    }
    expect(last.some(({ clipFraction }) => clipFraction > 0.1)).toBe(true);
    const next: string[] = [];
    await train({ until: 2, onProgress: ({ done, note }) => done > 1 && done < 2 && next.push(note ?? "") });
    expect(next[0]).toMatch(/^reward .* s\/it, rollout \d+\/\d+$/); // what is known stays told while the next epoch goes on
    const without: string[] = [];
    await train({ until: 1, onProgress: ({ note }) => note?.startsWith("reward") && without.push(note) });
    expect(without).toEqual([expect.stringMatching(/^reward \S+ ± \S+, clipped 0 %, \S+ s\/it$/)]); // no folder, no grid
  });

  test("has TensorBoard's event files where they are asked for: what metrics.jsonl has, grids, and once more from a checkpoint", async () => {
    const [out, sets] = [join(root, "events"), ["log.tensorboard=true", "train.epochs=4"]];
    await train({ out, config: config(sets), until: 3 });
    const lines = await train({ out, config: config(sets), resume: true });
    const files = readdirSync(join(out, "tensorboard")).sort();
    const [first, second] = files.map((name) => readEvents(join(out, "tensorboard", name)));
    expect(files).toHaveLength(2);
    expect(first.flatMap(({ values }) => values.map(({ tag }) => tag)).filter((tag) => tag === "samples" || tag === "config")).toEqual(["config", "samples", "samples"]); // biome-ignore format: one thought
    expect(second[1]).toMatchObject({ step: lines[0].step, starts: true }); // TensorBoard forgets the first file's later steps
    const means = second.flatMap(({ step, values }) => values.filter(({ tag }) => tag === "reward/mean").map(({ number }) => [step, number])); // biome-ignore format: one thought
    expect(means).toEqual(lines.map(({ step, reward }) => [step, Math.fround(reward.mean)]));
  });

  const several = ["train.updatesPerEpoch=2", "train.innerEpochs=2", "train.trainedSteps=2"];
  const resumed: [name: string, sets: string[], options?: Partial<RunOptions>][] = [
    ["an adapter", ["train.parameters=lora", ...several]],
    ["all parameters", ["train.parameters=all", ...several]],
    ["a moving window and Flash", ["sampler.steps=6", 'sampler.window={"size":2,"every":1,"flash":{}}']],
    ["a window that is drawn", ["sampler.steps=6", 'sampler.window={"size":2,"every":1,"strategy":"random"}']],
    ["eta along training, a cosine with a warm-up", ['sampler.eta={"along":"training","from":1.2,"to":0.4}', 'train.schedule={"shape":"cosine","warmup":2}', "train.updatesPerEpoch=2"]],
    ["steps of each image's own, best of n, averages", ["train.stepChoice=each", "train.trainedSteps=1", "train.groupSize=4", "train.bestOf=2", 'train.ema={"decay":0.9}']],
    ["a weighted mixture of lists", ['prompts={"mix":[{"prompts":"tiny-train","weight":3},{"prompts":"simple-animals"}],"heldOut":0.2}'], { prompts: undefined }],
    ["advantages of a mix added up, by running statistics of each", ['reward={"mix":[{"reward":"brightness","weight":1},{"reward":"colourfulness","weight":0.5}],"level":"advantage"}', "train.advantage=per-prompt"], { reward: undefined }],
  ]; // biome-ignore format: a table

  test.each(resumed)("stopped at any epoch and resumed, ends in the same bits: %s", async (name, sets, given = {}) => {
    const settings = { config: config(sets), ...given };
    const whole = join(root, `whole, ${name}`);
    const lines = await train({ ...settings, out: whole });
    expect(lines.some(({ gradNorm }) => gradNorm !== null && gradNorm > 0)).toBe(true);
    for (const until of [1, 3, 4]) {
      const out = join(root, `cut at ${until}, ${name}`);
      await train({ ...settings, out, until });
      await train({ ...settings, out, resume: true });
      expect(runTrace(out)).toEqual(runTrace(whole));
    }
  });

  test("a constant reward moves nothing but by weight decay", async () => {
    const constant = defineReward("constant", ({ count }) => new Float32Array(count).fill(0.3));
    const lines = await train({ reward: constant, config: config(["train.advantage=group"]) });
    expect(lines.map((line) => line.gradNorm)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("leaks no tensors from run to run", async () => {
    await train({ until: 1 });
    const before = tf.memory().numTensors;
    await train();
    expect(tf.memory().numTensors).toBe(before);
  });

  test("stopped by a signal, saves what is done and says so; resumed, ends in the same bits", async () => {
    const [whole, out] = [join(root, "signal-whole"), join(root, "signal-cut")];
    await train({ out: whole });
    const stop = new AbortController();
    const onProgress = ({ stage, done }: { stage: string; done: number }) => stage === "train" && done === 3 && stop.abort(); // biome-ignore format: one thought
    expect(await thrown(() => train({ out, signal: stop.signal, onProgress }))).toBe("ABORTED: The run was stopped.");
    expect(readdirSync(join(out, "checkpoints"))).toContain("000003");
    await train({ out, resume: true });
    expect(runTrace(out)).toEqual(runTrace(whole));
  });
});

test.each([
  [6, "000003", "in its fourth epoch"],
  [7, "000004", "at the grid of the fourth"],
])("a reward whose call %d fails: %s is saved, and the run goes on from there to the same bits (%s)", async (call, saved) => {
  const [whole, out] = [join(root, `reward-whole-${call}`), join(root, `reward-${call}`)];
  await train({ out: whole });
  let calls = 0;
  const gone = defineReward("bright", (images, texts) => {
    if (++calls === call) throw new Error("no answer");
    return bright.score(images, texts);
  });
  expect(await thrown(() => train({ out, reward: gone }))).toBe("BAD_REWARD: reward bright threw: Error: no answer");
  expect(readdirSync(join(out, "checkpoints")).sort()).toEqual(["000002", saved]);
  await train({ out, resume: true });
  expect(runTrace(out)).toEqual(runTrace(whole));
}); // biome-ignore format: one thought

test("a run that is killed at its first grid leaves what may be begun anew", async () => {
  const out = join(root, "first grid");
  let left: string[] = [];
  const look = defineReward("bright", (images, texts) => {
    if (left.length === 0) left = readdirSync(out);
    return bright.score(images, texts);
  });
  await train({ out, reward: look });
  expect(left.sort()).toEqual([".lock", "config.json", "self-check.json"]);
});

describe("refuses", () => {
  test("a folder that holds something, and one that another run holds", async () => {
    const out = join(root, "taken");
    await train({ out, until: 1 });
    expect(await thrown(() => train({ out }))).toMatch(
      /^EXISTS: out is ".*taken"; allowed: a folder that is new or empty\. --resume/,
    );
    const pipeline = fakePipeline();
    const first = await openRun({ config: config(), reward: bright, prompts, pipeline, out, resume: true });
    expect(await thrown(() => train({ out, resume: true }))).toMatch(/^BUSY: .*process \d+ does/);
    await first.close();
    await first.close();
    pipeline.dispose();
  });

  test("a file in the place of the folder", async () => {
    const out = join(root, "a file");
    writeFileSync(out, "mine");
    for (const resume of [false, true])
      expect(await thrown(() => train({ out, resume }))).toMatch(
        /^EXISTS: out is ".*a file"; allowed: a folder, not a file\.$/,
      );
    expect(readFileSync(out, "utf8")).toBe("mine");
  });

  test("another config on resume, by name; but more epochs are fine", async () => {
    const out = join(root, "changed");
    await train({ out, config: config(["train.epochs=2"]) });
    expect(await thrown(() => train({ out, resume: true, config: config(["sampler.eta=1"]) }))).toBe(
      "BAD_CONFIG: sampler.eta is 1; allowed: 0.8, as the run began. Only train.epochs, train.maxSkipped, checkpoint.every, checkpoint.keep, measure.every, log.tensorboard, parallel.splitGroups, parallel.bucketMB may change on resume.",
    );
    expect(await train({ out, resume: true, config: config(["train.epochs=4"]) })).toHaveLength(2);
    const saved = readFileSync(join(out, "config.json"), "utf8");
    expect(await thrown(() => train({ out, resume: true, config: config(["train.epochs=3"]) }))).toBe(
      "BAD_CONFIG: train.epochs is 3; allowed: 4 or more. The run has trained 4 epochs.",
    );
    expect(readFileSync(join(out, "config.json"), "utf8")).toBe(saved);
    expect(await train({ out, resume: true, config: config(["train.epochs=4"]) })).toEqual([]);
  });

  test("an adapter that there is no memory for, naming the rank: the engine speaks of a tensor", async () => {
    const out = join(root, "large adapter");
    const pipeline = fakePipeline();
    const addAdapter = vi.spyOn(pipeline.model, "addAdapter");
    const large = config(["train.lora.rank=4096"]);
    const [plain, own] = ["UNSUPPORTED: train.lora.rank is 4096; allowed: what there is memory for.", "UNSUPPORTED: train.lora.rank: Out of memory: matMul."]; // biome-ignore format: one thought
    for (const [told, message] of [[plain], [own, "Out of memory: matMul."]]) {
      addAdapter.mockImplementation(() => {
        throw new EtalonError("UNSUPPORTED", { argument: "size of a tensor", value: 4e12, allowed: "what there is memory for" }, { message }); // biome-ignore format: one thought
      });
      expect(await thrown(() => openRun({ config: large, reward: bright, prompts, pipeline, out }))).toBe(told);
    }
    expect(existsSync(out)).toBe(false);
    pipeline.dispose();
  });

  test("a cut checkpoint, naming the file", async () => {
    const out = join(root, "cut");
    await train({ out, until: 2 });
    const weights = join(out, "checkpoints", "000002", "optimizer.safetensors");
    truncateSync(weights, 40);
    expect(await thrown(() => train({ out, resume: true }))).toMatch(/^BAD_FILE: .*optimizer\.safetensors/);
    writeFileSync(join(out, "checkpoints", "000002", "state.json"), "{");
    expect(await thrown(() => train({ out, resume: true }))).toMatch(/^BAD_FILE: checkpoint is ".*state\.json"/);
  });

  test("a reward that throws, gives NaN or too few: no checkpoint, no line is written of that epoch", async () => {
    const out = join(root, "bad-reward");
    let calls = 0;
    const reward = defineReward("moody", ({ count }) => new Float32Array(calls++ < 2 ? count : count - 1)); // the first of them scores the sample grid
    expect(await thrown(() => train({ out, reward }))).toMatch(/^BAD_REWARD: reward moody gave 5 scores for 6 images/);
    expect(readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n")).toHaveLength(1);
  });

  test("weights that an update blows up: the run ends, names the checkpoint and the learning rate, and saves nothing of them", async () => {
    const out = join(root, "blown-up");
    await train({ out, until: 2 });
    const broken = (text: string) => {
      const { learningRate, ...rest } = JSON.parse(text).train;
      return { ...JSON.parse(text), train: { ...rest, learningRate: 1e308 } };
    };
    const file = join(out, "config.json");
    const large = broken(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify(large));
    const before = readFileSync(join(out, "checkpoints", "000002", "state.json"), "utf8");
    expect(await thrown(() => train({ out, resume: true, config: parseTrainConfig(large) }))).toMatch(
      /^NOT_FINITE: .*\[\d+\] is (NaN|-?Infinity); allowed: finite weights\. An update has blown them up\. The newest checkpoint is .*000002\. Begin a run with train\.learningRate below 1e\+308/,
    );
    expect(readdirSync(join(out, "checkpoints"))).not.toContain("000003");
    expect(readFileSync(join(out, "checkpoints", "000002", "state.json"), "utf8")).toBe(before);
    expect(await thrown(() => train({ config: parseTrainConfig(large) }))).toContain("No checkpoint was saved");
  });

  test("a model that answers otherwise in training: the self-check stops the run before it makes a folder", async () => {
    const out = join(root, "drifting");
    const pipeline = fakePipeline();
    const predict = pipeline.predict.bind(pipeline);
    const drifting = Object.assign(Object.create(pipeline), {
      predict: (...inputs: Parameters<typeof predict>) => predict(...inputs).mul(1.01),
    });
    expect(await thrown(() => train({ out, pipeline: drifting }))).toMatch(/^SELF_CHECK: Self-check: the ratio before/);
    expect(existsSync(out)).toBe(false);
    pipeline.dispose();
  });

  test("an unknown prompt list, reward or model leaves no folder", async () => {
    const out = join(root, "unknown");
    const missing = (over: object) => async () => {
      for await (const _ of ddpo({ engine: "wasm", ...over }, { out })) break;
    };
    expect(await thrown(missing({ prompts: "nowhere.txt" }))).toMatch(/^NOT_FOUND: prompts is "nowhere\.txt"/);
    expect(await thrown(missing({ reward: "brightnes" }))).toMatch(/^NOT_FOUND: .*Did you mean "brightness"/);
    expect(await thrown(missing({ model: "tinny" }))).toMatch(/^NOT_FOUND: model is "tinny"/);
    expect(existsSync(out)).toBe(false);
  });
});

test("a process killed at any moment resumes to the same bits", async () => {
  const [whole, out] = [join(root, "kill-whole"), join(root, "kill-cut")];
  const program = await bundleSource(new URL("killable.ts", import.meta.url), new URL("../", import.meta.url));
  await killableRun(whole, () => undefined);
  const ends: string[] = [];
  for (const delay of [3, 17, 41]) ends.push(await runAndKill(program, out, delay));
  rmSync(program);
  expect(ends).toEqual(["SIGKILL", "SIGKILL", "SIGKILL"]);
  await killableRun(out, () => undefined);
  expect(runTrace(out)).toEqual(runTrace(whole));
}, 180_000);

async function runAndKill(program: URL, out: string, delay: number): Promise<string> {
  const child = spawn(process.execPath, [fileURLToPath(program), out]);
  let armed = false;
  const { code, signal } = await ended(child, (text) => {
    if (armed || text.split("\n").length <= 3) return;
    armed = true;
    setTimeout(() => child.kill("SIGKILL"), delay);
  });
  return signal ?? `exit ${code}`;
}
