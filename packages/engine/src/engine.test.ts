import { afterEach, expect, test, vi } from "vitest";
import { started } from "../test/startEngine.ts";
import { currentEngine, type EngineName, EtalonError, engine, installedEngines, tf } from "./index.ts";

afterEach(() => vi.unstubAllEnvs());

const refusal = async (name: EngineName): Promise<EtalonError> => {
  const error = await engine(name).catch((e: unknown) => e);
  if (!EtalonError.is(error)) throw error;
  return error;
};

test("describes the engine that runs", () => {
  expect(started).toMatchObject({ device: "cpu", version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  expect(started.threads).toBeGreaterThanOrEqual(1);
  expect(tf.getBackend()).toBe(started.name === "wasm" ? "wasm" : "tensorflow");
  expect(currentEngine()).toBe(started);
});

test("called again gives the same, by name or as auto, and shares TensorFlow.js's one engine", async () => {
  expect(await engine(started.name)).toBe(started);
  expect(await engine()).toBe(started);
  expect((globalThis as { _tfengine?: unknown })._tfengine).toBe(tf.engine());
});

test("ETALON_ENGINE decides for auto, and a misspelt one is refused", async () => {
  vi.stubEnv("ETALON_ENGINE", "native");
  expect((await refusal("auto")).code).toBe("UNSUPPORTED");
  vi.stubEnv("ETALON_ENGINE", "wsam");
  expect((await refusal("auto")).message).toBe(
    'ETALON_ENGINE is "wsam"; allowed: auto, native, tfjs-node-gpu, tfjs-node, wasm. Did you mean "wasm"?',
  );
  expect(tf.getBackend()).toBe(started.name === "wasm" ? "wasm" : "tensorflow");
});

test("native says that it comes later; an unknown name is refused", async () => {
  expect((await refusal("native")).message).toBe(
    'engine is "native"; allowed: an engine that runs here. the embedded native engine comes with a later release; use wasm or tfjs-node.',
  );
  expect((await refusal("webgl" as EngineName)).code).toBe("OUT_OF_RANGE");
});

test("what is not installed is refused with the reason", async () => {
  vi.stubEnv("ETALON_TFJS_NODE", "/nowhere");
  const missing = (["tfjs-node-gpu", "tfjs-node"] as const).filter((name) => !installedEngines().includes(name));
  for (const name of missing.filter((name) => name !== started.name)) {
    expect((await refusal(name)).message).toContain(`@tensorflow/${name} is not installed`);
  }
  expect(installedEngines()).toContain("wasm");
});

test("runs a kernel and its gradient", () => {
  const x = tf.tensor1d([1, 2, 3]);
  expect(
    tf
      .grad((v) => v.square().mean())(x)
      .dataSync(),
  ).toEqual(Float32Array.of(2 / 3, 4 / 3, 2));
});
