import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readImages } from "@etalon/models";
import { loadReward } from "@etalon/rewards";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { etalon } from "../test/inProcess.ts";

let folder: string;
const here = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "etalon-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("bad usage exits 2 with one line that says what is allowed", () => {
  test.each<[string[], string]>([
    [["sample"], "etalon: --prompt is undefined; allowed: either --prompt or --prompts.\n"],
    [["sample", "--prompt", "x", "--eta", "-1"], "etalon: eta is -1; allowed: a finite number ≥ 0.\n"],
    [["sample", "--prompt", "x", "--eta", "NaN"], 'etalon: eta is "NaN"; allowed: a finite number ≥ 0.\n'],
    [["sample", "--prompt", "x", "--steps", "2.5"], "etalon: steps is 2.5; allowed: a whole number ≥ 1.\n"],
    [
      ["train"],
      "etalon: what to train is not said; allowed: a config file, or --preset with one of tiny-ddpo, tiny-mixgrpo, tiny-mixgrpo-flash, tiny-flow-grpo, tiny-flow-grpo-fast, tiny-dance-grpo.\n",
    ],
    [
      ["train", "x.json", "--preset", "tiny-ddpo"],
      'etalon: config is "x.json"; allowed: nothing beside --preset. Its keys are changed by --set key=value.\n',
    ],
    [
      ["train", "--resume", "-o", "nowhere"],
      'etalon: --output is "nowhere"; allowed: the folder of a run, with its config.json.\n',
    ],
    [["sample", "--prompt", "x", "-o", "x.jpg"], 'etalon: --output is "x.jpg"; allowed: a .png file, or a folder.\n'],
    [["train", "nowhere.json"], 'etalon: config is "nowhere.json"; allowed: a JSON file.\n'],
    [
      ["train", "--preset", "tiny-dpo"],
      'etalon: preset is "tiny-dpo"; allowed: tiny-ddpo, tiny-mixgrpo, tiny-mixgrpo-flash, tiny-flow-grpo, tiny-flow-grpo-fast, tiny-dance-grpo. Did you mean "tiny-ddpo"?\n',
    ],
    [["study", "--preset", "slow"], 'etalon: preset is "slow"; allowed: quick, quick-wasm.\n'],
    [["gap", "--reward", "jpeg-incompressibility", "--eta", "0"], "etalon: eta is 0; allowed: a finite number > 0.\n"],
  ])("%j", async (args, stderr) => {
    expect(await etalon(...args)).toEqual({ code: 2, stdout: "", stderr });
  });

  test("an unknown reward is told with the nearest name", async () => {
    const { code, stderr } = await etalon("gap", "--reward", "jpeg-incompressibilty");
    expect(code).toBe(2);
    expect(stderr).toContain('reward is "jpeg-incompressibilty"');
    expect(stderr).toContain('Did you mean "jpeg-incompressibility"?');
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  test("an unknown model, a misspelt config key, an empty prompt file", async () => {
    writeFileSync(here("empty.txt"), "# nothing here\n");
    writeFileSync(here("config.json"), JSON.stringify({ train: { learningrate: 1 } }));
    const model = await etalon("sample", "--model", "tyni", "--prompt", "x");
    expect([model.code, model.stderr]).toEqual([2, expect.stringContaining('Did you mean "tiny"?')]);
    const config = await etalon("train", here("config.json"));
    expect([config.code, config.stderr]).toEqual([2, expect.stringMatching(/learningrate.*learningRate/)]);
    const prompts = await etalon("sample", "--prompts", here("empty.txt"));
    expect(prompts.code).toBe(2);
    expect(prompts.stderr).toContain("empty.txt");
  });

  test("a run's folder where weights are meant: its newest checkpoint is named; a whole model is no adapter", async () => {
    const run = here("some-run");
    const newest = join(run, "checkpoints", "000012");
    for (const epoch of ["000002", "000012"]) mkdirSync(join(run, "checkpoints", epoch), { recursive: true });
    for (const name of ["config.json", "metrics.jsonl"]) writeFileSync(join(run, name), "");
    for (const name of ["state.json", "optimizer.safetensors", "diffusion_pytorch_model.safetensors"]) writeFileSync(join(newest, name), ""); // biome-ignore format: one thought
    for (const flag of ["--model", "--adapter"]) {
      const stderr = `etalon: ${flag} is ${JSON.stringify(run)}; allowed: a checkpoint of the run. The newest is ${newest}.\n`;
      expect(await etalon("sample", "--prompt", "x", flag, run)).toEqual({ code: 2, stdout: "", stderr });
      expect(await etalon("gap", "--reward", "brightness", flag, run)).toEqual({ code: 2, stdout: "", stderr });
    }
    const averages = join(newest, "ema");
    mkdirSync(averages);
    writeFileSync(join(averages, "diffusion_pytorch_model.safetensors"), "");
    expect((await etalon("sample", "--prompt", "x", "--adapter", averages)).stderr).toContain("for --model.");
    const adapter = await etalon("sample", "--prompt", "x", "--adapter", newest);
    expect([adapter.code, adapter.stderr]).toEqual([2, expect.stringContaining("It is a whole model, for --model.")]);
  });

  test("the version", async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "..", "package.json"), "utf8"));
    for (const flag of ["--version", "-V"])
      expect(await etalon(flag)).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("an error of several lines is told in one; --debug has the stack of its cause", async () => {
    writeFileSync(here("broken.json"), '// a note\n{ "algorithm": "ddpo" }');
    const { code, stderr } = await etalon("train", here("broken.json"));
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^etalon: config is ".*broken\.json"; allowed: JSON\. Unexpected token .*\n$/)]); // biome-ignore format: one thought
    expect((await etalon("train", here("broken.json"), "--debug")).stderr).toMatch(
      /\[cause\]: SyntaxError.*\n.*at JSON\.parse/s,
    );
  });

  test("an unknown command and an unknown flag", async () => {
    expect((await etalon("sampel")).code).toBe(2);
    expect((await etalon("sample", "--promt", "x")).code).toBe(2);
  });
});

describe("every command", () => {
  const names = [
    "sample",
    "train",
    "gap",
    "study",
    "report",
    "serve",
    "theory",
    "score",
    "pretrain",
    "schema",
    "rewards",
    "doctor",
  ];
  test.each(names)("%s has help with an example", async (name) => {
    const { code, stdout } = await etalon(name, "--help");
    expect(code).toBe(0);
    expect(stdout).toContain(`$ etalon ${name}`);
  });
});

describe("--json prints one document and nothing else on stdout", () => {
  test("theory, beside the exact recursion's sign at a high and a low eta", async () => {
    const high = JSON.parse((await etalon("theory", "--eta", "2", "--beta", "1", "--json")).stdout);
    const low = JSON.parse((await etalon("theory", "--eta", "0.3", "--beta", "1", "--json")).stdout);
    expect(high.gap).toBeGreaterThan(0);
    expect(low.gap).toBeLessThan(0);
    expect(high.gap).toBeCloseTo(high.sde.reward - high.ode.reward, 12);
  });

  test("schema, rewards", async () => {
    expect(JSON.parse((await etalon("schema", "train")).stdout).properties).toHaveProperty("sampler");
    expect(JSON.parse((await etalon("schema", "study")).stdout).properties).toHaveProperty("trainings");
    const names = JSON.parse((await etalon("rewards", "list", "--json")).stdout).map((r: { name: string }) => r.name);
    expect(names).toContain("jpeg-incompressibility");
  });

  test("sample writes a grid, or a folder, the same pictures for the same seed; score and gap read on", async () => {
    const args = ["sample", "--prompt", "red heart", "--steps", "2", "--seed", "7", "-n", "2", "--json"];
    const grid = JSON.parse((await etalon(...args, "-o", here("a.png"))).stdout);
    await etalon(...args, "-o", here("b.png"));
    expect(readFileSync(grid.files[0]).equals(readFileSync(here("b.png")))).toBe(true);
    const { files } = JSON.parse((await etalon(...args, "-o", here("pictures"))).stdout);
    expect(files).toHaveLength(2);
    const { scores } = JSON.parse(
      (await etalon("score", "--reward", "jpeg-incompressibility", ...files, "--json")).stdout,
    );
    const library = await (await loadReward("jpeg-incompressibility")).score(await readImages(files), ["", ""]);
    expect(scores.map(({ score }: { score: number }) => score)).toEqual([...library]);
    expect(library[0]).toBeGreaterThan(0.2); // kB: no empty answer on both sides

    const reward = ["--reward", "jpeg-incompressibility", "--eta", "1.2", "--steps", "2", "-n", "4", "--json"];
    const line = JSON.parse((await etalon("gap", ...reward)).stdout);
    expect(Object.keys(line)).toEqual(["eta", "steps", "guidance", "n", "reward", "sde", "ode", "gap"]);
    expect(line.gap.mean).toBeCloseTo(line.sde.mean - line.ode.mean, 6);
  });

  test("a grid's folder is made; where that cannot be, nothing is drawn", async () => {
    const draw = (file: string) => etalon("sample", "--prompt", "sun", "--steps", "1", "-o", file);
    expect((await draw(here("no/such/folder/a.png"))).code).toBe(0);
    expect(existsSync(here("no/such/folder/a.png"))).toBe(true);
    writeFileSync(here("file"), "");
    const { code, stderr } = await draw(here("file/a.png"));
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^etalon: --output is ".*a\.png"; allowed: a place that can be written\. .*\n$/)]); // biome-ignore format: one thought
  });

  test("train --dry-run prints the whole config, of models that are not here too, and loads nothing", async () => {
    const example = (name: string) => fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));
    const flux = await etalon(
      "train",
      example("flux-mixgrpo/mixgrpo.json"),
      "--dry-run",
      "--set",
      "sampler.window.flash={}",
    );
    expect(flux.code).toBe(0);
    const { sampler, train, reward } = JSON.parse(flux.stdout);
    expect(sampler).toMatchObject({ eta: 0.7, steps: 25, shift: 3, sharedNoise: true, window: { size: 4, every: 25, flash: { ratio: 0.4 } } }); // biome-ignore format: one thought
    expect(train).toMatchObject({ groupSize: 12, learningRate: 1e-5, clip: 1e-4, maxSkipped: 10 });
    expect(reward.level).toBe("advantage");
    expect((await etalon("train", example("sd15-ddpo/ddpo.json"), "--dry-run")).code).toBe(0);
    const wrong = await etalon(
      "train",
      example("flux-mixgrpo/mixgrpo.json"),
      "--dry-run",
      "--set",
      "sampler.window.sise=2",
    );
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toContain('Did you mean "sampler.window.size"?');
  });

  test.each(["tiny-mixgrpo", "tiny-mixgrpo-flash", "tiny-flow-grpo", "tiny-flow-grpo-fast", "tiny-dance-grpo"])(
    "train --preset %s",
    async (preset) => {
      const sets = ["train.epochs=1", "sampler.steps=5", "train.promptsPerEpoch=1", "train.groupSize=4", "checkpoint.samples=2", "measure.samples=2", "measure.steps=2"]; // biome-ignore format: a list
      const args = [
        "train",
        "--preset",
        preset,
        ...sets.flatMap((set) => ["--set", set]),
        "-o",
        here(preset),
        "--json",
      ];
      const { code, stdout, stderr } = await etalon(...args);
      expect({ code, metrics: JSON.parse(stdout).metrics }).toMatchObject({
        code: 0,
        metrics: { epoch: 1, skipped: 0 },
      });
      expect(stderr).toContain("self-check: first ratio off 1 by");
      expect(stderr).toMatch(/an epoch: 4 images, 1 update on-policy, 4 images an update/);
    },
  );

  test("train, in a new folder and not over an old one; report reads it", async () => {
    const quick = [
      "--set",
      "train.epochs=1",
      "--set",
      "sampler.steps=2",
      "--set",
      "train.promptsPerEpoch=2",
      "--set",
      "train.groupSize=2",
      "--set",
      "train.trainedSteps=1",
      "--set",
      "measure.samples=4",
      "--set",
      "measure.steps=2",
    ];
    const args = ["train", "--preset", "tiny-ddpo", ...quick, "-o", here("run"), "--json"];
    const { code, stdout, stderr } = await etalon(...args);
    expect([code, stderr.includes("EtalonError")]).toEqual([0, false]);
    const { metrics, gaps } = JSON.parse(stdout);
    expect([metrics.epoch, gaps.map(({ epoch }: { epoch: number }) => epoch)]).toEqual([1, [0, 1]]);
    expect(readFileSync(join(here("run"), "gap.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line))).toEqual(gaps); // biome-ignore format: short
    expect(
      readFileSync(join(here("run"), "metrics.jsonl"), "utf8")
        .trim()
        .split("\n"),
    ).toHaveLength(1);
    expect((await etalon(...args)).code).toBe(2);
    expect((await etalon("report", here("run"))).code).toBe(0);
    expect(readFileSync(join(here("run"), "report.html"), "utf8")).toContain("<html");
  }, 120_000);
});
