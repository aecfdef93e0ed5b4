import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine } from "@etalon/engine";
import { type HubServer, hubServer, thrown } from "@etalon/testkit";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { fetchModel } from "./fetchModel.ts";
import { loadPipeline } from "./loadPipeline.ts";
import { writeTinyStableDiffusion } from "./pipelines/writeTinyStableDiffusion.ts";
import { hashWeights } from "./weights/hashWeights.ts";

const root = mkdtempSync(join(tmpdir(), "etalon-"));
const local = join(root, "sd");
let hub: HubServer;
let commit: string;

const below = (folder: string, prefix = ""): string[] =>
  readdirSync(join(folder, prefix), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? below(folder, `${prefix}${entry.name}/`) : [prefix + entry.name],
  );

beforeAll(async () => {
  await engine();
  writeTinyStableDiffusion(local, { seed: 3 });
  hub = await hubServer();
  const index = { ...JSON.parse(readFileSync(join(local, "model_index.json"), "utf8")), safety_checker: ["stable_diffusion", "StableDiffusionSafetyChecker"] }; // biome-ignore format: one thought
  commit = hub.commit("etalon/tiny-sd", { ...Object.fromEntries(below(local).map((path) => [path, readFileSync(join(local, path))])), "model_index.json": JSON.stringify(index), "safety_checker/model.safetensors": "large" }); // biome-ignore format: one thought
  vi.stubEnv("HF_ENDPOINT", hub.url);
  vi.stubEnv("HF_HOME", join(root, "hf"));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  rmSync(root, { recursive: true });
});

test("a hub's model loads by its name, without its safety checker, and then offline; its weights are the folder's", async () => {
  const shown: string[] = [];
  const pipeline = await loadPipeline("etalon/tiny-sd", { onProgress: ({ stage, total }) => shown.push(`${stage} of ${total}`) }); // biome-ignore format: one thought
  expect(pipeline.name).toBe("etalon/tiny-sd");
  expect(pipeline.notes).toEqual(["The safety checker is not run: pictures are not filtered."]);
  expect(pipeline.files?.source).toBe(`hf://etalon/tiny-sd@${commit}`);
  expect(new Set(shown)).toEqual(new Set(["fetching etalon/tiny-sd, MB of 0"]));
  expect(hub.requests.filter(({ path }) => path.includes("safety"))).toEqual([]);
  const other = await loadPipeline(local);
  const x = Float32Array.from({ length: 256 }, (_, i) => Math.sin(i));
  expect(pipeline.denoiser(["cat"])(x, 500)).toEqual(other.denoiser(["cat"])(x, 500));
  pipeline.dispose();
  other.dispose();
  hub.requests.length = 0;
  const read = await hashWeights(local);
  expect(await hashWeights(pipeline.files?.folder as string)).toBe(read);
  vi.stubEnv("HF_HUB_OFFLINE", "1");
  expect((await fetchModel(`hf://etalon/tiny-sd@${commit}`)).source).toBe(`hf://etalon/tiny-sd@${commit}`);
  expect((await fetchModel("etalon/tiny-sd")).name).toBe("etalon/tiny-sd");
  expect(hub.requests).toEqual([]);
  vi.stubEnv("HF_HUB_OFFLINE", "");
});

test("a folder of that name wins, and a note says so", async () => {
  const before = process.cwd();
  process.chdir(root);
  try {
    mkdirSync("etalon");
    symlinkSync(local, "etalon/tiny-sd");
    const note = "The folder etalon/tiny-sd is taken, not the hub's model of that name: hf://etalon/tiny-sd is that.";
    expect(await fetchModel("etalon/tiny-sd")).toEqual({ name: "tiny-sd", folder: "etalon/tiny-sd", source: "etalon/tiny-sd", notes: [note] }); // biome-ignore format: one thought
    expect((await fetchModel("./etalon/tiny-sd")).notes).toEqual([]);
    expect((await fetchModel("hf://etalon/tiny-sd")).name).toBe("etalon/tiny-sd");
    rmSync("etalon/tiny-sd");
    mkdirSync("etalon/tiny-sd");
    expect(await thrown(() => loadPipeline("etalon/tiny-sd"))).toBe('NOT_FOUND: model is "etalon/tiny-sd"; allowed: a folder with a model_index.json or a config.json. hf://etalon/tiny-sd is the hub\'s model of that name.'); // biome-ignore format: one thought
  } finally {
    process.chdir(before);
  }
});

test("what neither the disk nor the hub has is told so", async () => {
  expect(await thrown(() => loadPipeline("etalon/none"))).toBe(`NOT_FOUND: ${hub.url} has no model "etalon/none" (revision main); a private one needs HF_TOKEN. (There is no folder etalon/none here.)`); // biome-ignore format: one thought
  expect(await thrown(() => fetchModel("runs/a/b"))).toContain('model is "runs/a/b"; allowed: tiny, a folder with');
});

test("the hash of weights is of their bytes, whatever their folder and its other files", async () => {
  const place = join(root, "model");
  mkdirSync(place);
  for (const name of ["config.json", "README.md"]) writeFileSync(join(place, name), "{}");
  writeFileSync(join(place, "model.safetensors"), "one");
  const one = await hashWeights(place);
  writeFileSync(join(place, "README.md"), "other");
  expect(await hashWeights(place)).toBe(one);
  writeFileSync(join(place, "model.fp16.safetensors"), "half");
  expect(await hashWeights(place)).toBe(one);
  expect(await hashWeights(place, "fp16")).not.toBe(one);
  writeFileSync(join(place, "model.safetensors"), "two");
  expect(await hashWeights(place)).not.toBe(one);
  expect(await hashWeights(join(place, "model.fp16.safetensors"))).toBe(await hashWeights(place, "fp16"));
  expect(await thrown(() => hashWeights(join(root, "nowhere")))).toContain("NOT_FOUND: adapter is");
});
