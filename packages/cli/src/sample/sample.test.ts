import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine } from "@etalon/engine";
import { loadPipeline, pngText, readImages, writeTinyStableDiffusion } from "@etalon/models";
import { hubServer } from "@etalon/testkit";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { etalon } from "../../test/inProcess.ts";

let root: string;
const at = (...names: string[]) => join(root, ...names);
const bytes = (file: string) => readFileSync(file);
const configIn = (file: string) => JSON.parse(pngText.read(bytes(file)).get("etalon") as string);
const edited = (file: string, change: object) => {
  const place = at("edited.png");
  writeFileSync(place, pngText.add(plain(file), "etalon", JSON.stringify({ ...configIn(file), ...change })));
  return place;
};
/** A picture without its texts. */
const plain = (file: string) => {
  const png = bytes(file);
  const begin = png.indexOf("tEXt") - 4;
  return Buffer.concat([png.subarray(0, begin), png.subarray(begin + 12 + png.readUInt32BE(begin))]);
};

beforeAll(async () => {
  await engine();
  root = mkdtempSync(join(tmpdir(), "etalon-sample-"));
  writeTinyStableDiffusion(at("sd"), { seed: 2 });
  const pipeline = await loadPipeline(at("sd"));
  pipeline.model.addAdapter({ rank: 2 }, 5);
  for (const [name, variable] of pipeline.model.parameters("lora")) if (name.includes("lora_B")) variable.assign(variable.add(0.3)); // biome-ignore format: one thought
  pipeline.model.saveAdapter(at("adapter"));
  pipeline.dispose();
});
afterAll(() => rmSync(root, { recursive: true }));

/** Draws, then draws again from the picture: the second file, which must have the first one's bytes. */
async function again(file: string): Promise<{ same: boolean; stderr: string }> {
  const { code, stderr } = await etalon("sample", "--from", file, "-o", at("again.png"));
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  return { same: bytes(at("again.png")).equals(bytes(file)), stderr };
}

describe("a picture draws itself again, to the byte", () => {
  test("the built-in model: one picture, a grid, one of a folder", async () => {
    const draw = ["sample", "--prompt", "red heart", "--steps", "3", "--eta", "1.2", "--seed", "9", "--guidance", "2"];
    await etalon(...draw, "-o", at("one.png"));
    expect(await readImages([at("one.png")])).toMatchObject({ width: 32, height: 32 });
    expect((await again(at("one.png"))).same).toBe(true);
    await etalon(...draw, "-n", "3", "-o", at("grid.png"));
    expect((await again(at("grid.png"))).same).toBe(true);
    await etalon(...draw, "-n", "3", "-o", at("folder"));
    expect(readdirSync(at("folder"))).toEqual(["00000.png", "00001.png", "00002.png"]);
    expect(configIn(at("folder", "00002.png"))).toMatchObject({ prompts: ["red heart"], n: 1, first: 2 });
    expect((await again(at("folder", "00002.png"))).same).toBe(true);
    expect(bytes(at("folder", "00000.png"))).toEqual(bytes(at("one.png")));
  });

  test("a shift of the time grid, which a picture without one does not have", async () => {
    const draw = ["sample", "--prompt", "red heart", "--steps", "3", "--seed", "9"];
    await etalon(...draw, "-o", at("own.png"));
    await etalon(...draw, "--shift", "3", "-o", at("shifted.png"));
    expect(configIn(at("own.png"))).not.toHaveProperty("shift");
    expect(configIn(at("shifted.png"))).toHaveProperty("shift", 3);
    expect(plain(at("shifted.png"))).not.toEqual(plain(at("own.png")));
    expect((await again(at("shifted.png"))).same).toBe(true);
    expect(await etalon(...draw, "--shift", "0", "-o", at("none.png"))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("shift"),
    });
    const other = await etalon("sample", "--model", at("sd"), "--prompt", "cat", "--shift", "3", "-o", at("none.png"));
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining("shift")]);
  });

  test("Stable Diffusion: sizes, a negative prompt, guidance, an adapter at a scale; signs beyond ASCII", async () => {
    const draw = (...more: string[]) => etalon("sample", "--model", at("sd"), "--prompt", "cät 🐈", "--steps", "2", ...more); // biome-ignore format: one thought
    const options = ["--height", "36", "--width", "28", "--negative", "dög", "--guidance", "4", "--adapter", at("adapter")]; // biome-ignore format: a list
    await draw(...options, "--adapter-scale", "0.5", "-o", at("sd.png"));
    expect(await readImages([at("sd.png")])).toMatchObject({ width: 28, height: 36 });
    expect(configIn(at("sd.png"))).toMatchObject({ prompts: ["cät 🐈"], negative: "dög", height: 36, width: 28, adapter: { scale: 0.5 } }); // biome-ignore format: one thought
    expect((await again(at("sd.png"))).same).toBe(true);
    const without = (option: string) => options.filter((_, i) => options[i] !== option && options[i - 1] !== option);
    for (const [i, other] of [options, without("--negative"), without("--adapter")].entries()) {
      await draw(...other, "-o", at(`other${i}.png`));
      expect(plain(at(`other${i}.png`)), `${i}`).not.toEqual(plain(at("sd.png")));
    }
    await draw("-n", "2", "-o", at("default.png"));
    expect(configIn(at("default.png"))).toMatchObject({ height: 32, width: 32, guidance: 7.5 });
  });

  test("a model of the hub, by its commit", async () => {
    const hub = await hubServer();
    vi.stubEnv("HF_ENDPOINT", hub.url);
    vi.stubEnv("HF_HOME", at("hf"));
    try {
      const files = ["model_index.json", ...["unet", "vae", "text_encoder", "tokenizer", "scheduler"].flatMap((part) => readdirSync(at("sd", part)).map((name) => `${part}/${name}`))]; // biome-ignore format: one thought
      const commit = hub.commit("etalon/sd", Object.fromEntries(files.map((name) => [name, bytes(at("sd", name))])));
      const { stderr } = await etalon("sample", "--model", "etalon/sd", "--prompt", "cat", "--steps", "1", "-o", at("hub.png")); // biome-ignore format: one thought
      expect(stderr).toMatch(/\[\d+ s\] fetching etalon\/sd, MB 0\/0/);
      expect(configIn(at("hub.png")).model).toBe(`hf://etalon/sd@${commit}`);
      await etalon("sample", "--model", at("sd"), "--prompt", "cat", "--steps", "1", "-o", at("local.png"));
      expect(plain(at("hub.png"))).toEqual(plain(at("local.png")));
      hub.requests.length = 0;
      expect((await again(at("hub.png"))).same).toBe(true);
      expect(hub.requests).toEqual([]);
      const gap = ["gap", "--model", "etalon/sd", "--reward", "jpeg-compressibility", "--steps", "1", "-n", "2", "--json"]; // biome-ignore format: a list
      expect(JSON.parse((await etalon(...gap)).stdout)).toMatchObject({ n: 2, guidance: 7.5 });
      const sets = ["train.epochs=1", "sampler.steps=1", "train.promptsPerEpoch=1", "train.groupSize=2", "train.checkpointing=false", "measure.samples=2", "measure.steps=1"]; // biome-ignore format: a list
      const train = await etalon("train", "--preset", "tiny-ddpo", "--set", "model=etalon/sd", ...sets.flatMap((set) => ["--set", set]), "-o", at("run"), "--json"); // biome-ignore format: one thought
      expect([train.code, train.stderr]).toEqual([0, expect.any(String)]);
      expect(JSON.parse(readFileSync(at("run", "config.json"), "utf8")).model).toBe("etalon/sd");
    } finally {
      vi.unstubAllEnvs();
      await hub.close();
    }
  });
});

test("options lie on top of a picture's", async () => {
  await etalon("sample", "--prompt", "sun", "--steps", "2", "-o", at("sun.png"));
  await etalon("sample", "--from", at("sun.png"), "--steps", "3", "--prompt", "moon", "-o", at("moon.png"));
  await etalon("sample", "--prompt", "moon", "--steps", "3", "-o", at("moon2.png"));
  expect(bytes(at("moon.png"))).toEqual(bytes(at("moon2.png")));
  await etalon("sample", "--model", at("sd"), "--adapter", at("adapter"), "--prompt", "x", "--steps", "1", "-o", at("with.png")); // biome-ignore format: one thought
  await etalon("sample", "--from", at("with.png"), "--no-adapter", "-o", at("without.png"));
  await etalon("sample", "--model", at("sd"), "--prompt", "x", "--steps", "1", "-o", at("without2.png"));
  expect(bytes(at("without.png"))).toEqual(bytes(at("without2.png")));
});

describe("what cannot be drawn again is told", () => {
  beforeAll(async () => {
    cpSync(at("sd"), at("moving"), { recursive: true });
    const draw = ["sample", "--model", at("moving"), "--adapter", at("adapter"), "--prompt", "x", "--steps", "1"];
    await etalon(...draw, "-o", at("a.png"));
  });
  const refusal = async (file: string, ...more: string[]) => {
    const { code, stderr } = await etalon("sample", "--from", file, "-o", at("never.png"), ...more);
    return `${code} ${stderr.trim().split("\n").at(-1)}`;
  };

  test("a PNG without a config, no PNG, no file", async () => {
    writeFileSync(at("plain.png"), plain(at("a.png")));
    expect(await refusal(at("plain.png"))).toBe(`2 etalon: ${at("plain.png")} tells nothing of how it was drawn; allowed: a PNG that etalon sample wrote.`); // biome-ignore format: one thought
    writeFileSync(at("text.png"), "x");
    expect(await refusal(at("text.png"))).toBe(`2 etalon: ${at("text.png")}: no PNG's beginning; allowed: a whole PNG.`); // biome-ignore format: one thought
    expect(await refusal(at("none.png"))).toContain("allowed: a PNG that is there.");
    writeFileSync(at("json.png"), pngText.add(plain(at("a.png")), "etalon", "{"));
    expect(await refusal(at("json.png"))).toContain("has a config that is no JSON; allowed: a PNG that etalon sample wrote."); // biome-ignore format: one thought
  });

  test.each<[object, string]>([
    [{ stepz: 3 }, 'edited.png: stepz is not a key; allowed: etalon, model, variant, weights, adapter, prompts, negative, n, first, eta, rule, steps, guidance, shift, seed, height, width, engine. Did you mean "steps"?'],
    [{ steps: 0 }, "edited.png: steps is 0; allowed: a number ≥ 1."],
    [{ etalon: 2 }, "edited.png: etalon is 2; allowed: 1."],
    [{ prompts: [] }, "edited.png: prompts is []; allowed: a list that is not empty."],
    [{ eta: "1" }, 'edited.png: eta is "1"; allowed: a number.'],
    [{ seed: undefined }, "edited.png: seed is undefined; allowed: a number."],
    [{ weights: "abc" }, 'edited.png: weights is "abc"; allowed: 64 hexadecimal signs.'],
    [{ adapter: { place: "a", scale: 1, weights: "0".repeat(64), alpha: 1 } }, "edited.png: adapter.alpha is not a key; allowed: place, scale, weights."],
  ])("an edited config: %j", async (change, message) => {
    expect(await refusal(edited(at("a.png"), change))).toContain(message);
  }); // biome-ignore format: a table

  test("a model or an adapter that is gone, and which option says where it is now", async () => {
    const gone = at("gone");
    expect(await refusal(edited(at("a.png"), { model: gone }))).toBe(`2 etalon: model is ${JSON.stringify(gone)}; allowed: tiny, a folder with a model_index.json or a config.json, or owner/name of a model of the Hugging Face hub. ${at("edited.png")} names it; --model says where it is now.`); // biome-ignore format: one thought
    const without = edited(at("a.png"), { adapter: { ...configIn(at("a.png")).adapter, place: gone } });
    expect(await refusal(without)).toContain(`or kohya_lora.safetensors. ${without} names it; --adapter says where it is now.`); // biome-ignore format: one thought
    const { code } = await etalon("sample", "--from", without, "--adapter", at("adapter"), "-o", at("mended.png"));
    expect([code, bytes(at("mended.png")).equals(bytes(at("a.png")))]).toEqual([0, true]);
    expect(await refusal(at("a.png"), "--adapter", gone)).not.toContain("names it");
    expect(await refusal(at("a.png"), "--no-adapter", "--adapter-scale", "2")).toContain("--adapter-scale is 2; allowed: a number beside --adapter."); // biome-ignore format: one thought
    expect(await refusal(at("a.png"), "--height", "30")).toContain("size is [30,32]; allowed: multiples of 4 pixels.");
  });

  test("weights that are others now: it is drawn, with a warning", async () => {
    writeTinyStableDiffusion(at("moving"), { seed: 4 });
    const { code, stderr } = await etalon("sample", "--from", at("a.png"), "-o", at("b.png"));
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning: the weights of .*moving are \(sha256 [0-9a-f]{12}\) not those that drew .*a\.png \([0-9a-f]{12}\): the picture will differ\n/); // biome-ignore format: one thought
    expect(stderr).not.toMatch(/weights of .*adapter/);
    expect(bytes(at("b.png"))).not.toEqual(bytes(at("a.png")));
    const chosen = await etalon("sample", "--from", at("a.png"), "--model", at("moving"), "-o", at("c.png"));
    expect(chosen.stderr).not.toContain("warning");
  });
});
