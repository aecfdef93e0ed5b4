import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadPipeline } from "./loadPipeline.ts";

const folder = mkdtempSync(join(tmpdir(), "etalon-"));
afterAll(() => rmSync(folder, { recursive: true }));

const withConfig = (text: string) => {
  writeFileSync(join(folder, "config.json"), text);
  return loadPipeline(folder);
};

test("refuses an unknown name, and names the one that is near", async () => {
  await expect(loadPipeline("tiyn")).rejects.toThrow(
    'model is "tiyn"; allowed: tiny, a folder with a model_index.json or a config.json, or owner/name of a model of the Hugging Face hub. Did you mean "tiny"?',
  );
});

test("refuses a folder whose model it has not, whose config is not JSON, or lacks a key", async () => {
  await expect(withConfig('{"_class_name": "UNet9"}')).rejects.toThrow('is "UNet9"; allowed: TinyTransformer2DModel.');
  await expect(withConfig("{")).rejects.toThrow("allowed: a JSON object.");
  await expect(withConfig('{"_class_name": "TinyTransformer2DModel"}')).rejects.toThrow(
    "config.json's sample_size is undefined",
  );
});
