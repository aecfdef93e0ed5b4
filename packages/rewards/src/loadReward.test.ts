import "@etalon/testkit";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { loadReward, rewardNames, scoreChecked } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "etalon-rewards-"));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const images = { data: new Uint8Array(6), count: 2, width: 1, height: 1 };

describe("loadReward", () => {
  test("knows every name that rewardNames lists", async () => {
    for (const { name, description } of rewardNames()) {
      expect(description).not.toBe("");
      expect((await loadReward(name)).name).toBe(name);
    }
    const names = rewardNames().map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["jpeg-compressibility", "jpeg-incompressibility", "tiny-clip"]));
  });

  test("loads a module's default export", async () => {
    const path = file("two.mjs", 'export default { name: "two", score: () => Float32Array.of(2, 2) };');
    expect(await scoreChecked(await loadReward(path), images, ["", ""])).toEqual(Float32Array.of(2, 2));
  });

  test.each([
    ["sum.mjs", "export default (images, prompts) => prompts.map((prompt) => prompt.length + images.width);"],
    ["plain.cjs", "module.exports = async (images, prompts) => prompts.map((prompt) => prompt.length + images.width);"],
  ])("takes a function as a default export for a reward that is named for its file: %s", async (name, text) => {
    const reward = await loadReward(file(name, text));
    expect(reward.name).toBe(name.split(".")[0]);
    expect(await scoreChecked(reward, images, ["", "ab"])).toEqual(Float32Array.of(1, 3));
  });

  test("loads the example's redness", async () => {
    const reward = await loadReward(resolve(import.meta.dirname, "../../../examples/custom-reward/redness.js"));
    const redThenGrey = { ...images, data: Uint8Array.of(255, 0, 0, 9, 9, 9) };
    expect(await scoreChecked(reward, redThenGrey, ["", ""])).toBeAllclose([256 / 258, 1 / 3], { rtol: 1e-6 });
  });

  test("an unknown name gives the nearest one", async () => {
    await expect(loadReward("jpeg-compresibility")).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/^reward is "jpeg-compresibility"; .*Did you mean "jpeg-compressibility"\?$/),
    });
    await expect(loadReward("toString")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(loadReward("")).rejects.toMatchObject({ code: "BAD_TYPE" });
  });

  test.each([
    ["./no-such-reward.js", "NOT_FOUND", "a file that exists, or a name"],
    [file("broken.mjs", "export default {"), "BAD_FILE", "It does not load"],
    [file("throws.mjs", 'throw new Error("no weights")'), "BAD_FILE", "It does not load: no weights."],
    [file("nothing.mjs", "export const reward = 1;"), "BAD_FILE", "default export is a reward or a function"],
    [file("half.mjs", 'export default { name: "half" };'), "BAD_FILE", "default export is a reward or a function"],
  ])("refuses %s", async (path, code, message) => {
    await expect(loadReward(path)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });
});
