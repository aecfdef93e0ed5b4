import "@etalon/testkit";
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { engine, tf } from "@etalon/engine";
import { readSafetensors, toFloat32, writeSafetensors } from "@etalon/weights";
import { beforeAll, describe, expect, test } from "vitest";
import { loadPipeline } from "../src/loadPipeline.ts";
import { loadPrompts } from "../src/prompts/loadPrompts.ts";
import { Random } from "../src/random.ts";
import { smallModel, smallResults, uniform } from "./tinyCase.ts";

/**
 * The tiny transformer's outputs and gradients on the engine at hand beside those of tfjs-node, which `npm run golden` keeps in test/golden (run it where tfjs-node
 * is installed, after a change of the model or of its shipped weights).
 */
const golden = (name: string) => fileURLToPath(new URL(`golden/${name}.safetensors`, import.meta.url));
type Values = Map<string, { shape: readonly number[]; data: Float32Array }>;

beforeAll(async () => {
  await engine();
});

function keepOrRead(name: string, values: Values): Values {
  const file = golden(name);
  if (process.env.ETALON_GOLDEN === "write") {
    mkdirSync(dirname(file), { recursive: true });
    const tensors = [...values].map(([key, { shape, data }]) => [key, { dtype: "F32" as const, shape, data }] as const);
    writeSafetensors(file, Object.fromEntries(tensors), { engine: tf.getBackend() });
  }
  expect(existsSync(file)).toBe(true);
  const stored = readSafetensors(file);
  return new Map(stored.names.map((key) => [key, { shape: stored.info(key).shape, data: toFloat32(stored.get(key)) }]));
}

describe("beside tfjs-node", () => {
  test("a small model's output and every parameter's gradient agree to 1e-4", () => {
    const model = smallModel();
    const results = smallResults(model);
    const expected = keepOrRead("small", results);
    expect([...results.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [name, { shape, data }] of expected) {
      expect(results.get(name)?.shape, name).toEqual(shape);
      const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      // A key's bias has no effect under the softmax: its gradient is rounding around zero.
      expect(results.get(name)?.data, name).toBeAllclose(data, { atol: 1e-4 * Math.max(largest, 0.1) });
    }
    model.dispose();
  });

  test("the shipped model's predictions agree to 1e-4", async () => {
    const pipeline = await loadPipeline("tiny");
    const prompts = loadPrompts("tiny-train").slice(0, 3);
    const denoiser = pipeline.denoiser(prompts);
    const x = uniform(prompts.length * 3072, 1.5, new Random(5));
    const results: Values = new Map(
      [0.98, 0.5, 0.1].map((t) => [`t=${t}`, { shape: [3, 32, 32, 3], data: denoiser(x, t) as Float32Array }]),
    );
    for (const [name, { data }] of keepOrRead("tiny", results)) {
      expect(results.get(name)?.data, name).toBeAllclose(data, { atol: 1e-4, rtol: 1e-4 });
    }
    denoiser.dispose();
    pipeline.dispose();
  });
});
