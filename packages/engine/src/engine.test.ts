import { afterEach, expect, test, vi } from "vitest";
import { started } from "../test/startEngine.ts";
import { currentEngine, type EngineName, EtalonError, engine, installedEngines, tf } from "./index.ts";

afterEach(() => vi.unstubAllEnvs());

const backends = { native: "etalon", wasm: "wasm", "tfjs-node": "tensorflow", "tfjs-node-gpu": "tensorflow" };

const refusal = async (name: EngineName): Promise<EtalonError> => {
  const error = await engine(name).catch((e: unknown) => e);
  if (!EtalonError.is(error)) throw error;
  return error;
};

test("describes the engine that runs", () => {
  expect(started).toMatchObject({ device: "cpu", version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  expect(started.threads).toBeGreaterThanOrEqual(1);
  expect(tf.getBackend()).toBe(backends[started.name]);
  expect(started.lacks.every((words) => words.length > 0)).toBe(true);
  expect(currentEngine()).toBe(started);
});

test("called again gives the same, by name or as auto, and shares TensorFlow.js's one engine", async () => {
  expect(await engine(started.name)).toBe(started);
  expect(await engine()).toBe(started);
  expect((globalThis as { _tfengine?: unknown })._tfengine).toBe(tf.engine());
});

test("ETALON_ENGINE decides for auto, and a misspelt one is refused", async () => {
  vi.stubEnv("ETALON_ENGINE", "tfjs-node-gpu"); // no test machine has one
  expect((await refusal("auto")).code).toBe("UNSUPPORTED");
  vi.stubEnv("ETALON_ENGINE", "wsam");
  expect((await refusal("auto")).message).toBe(
    'ETALON_ENGINE is "wsam"; allowed: auto, tfjs-node-gpu, native, tfjs-node, wasm. Did you mean "wasm"?',
  );
  expect(tf.getBackend()).toBe(backends[started.name]);
});

test("an unknown name is refused", async () => {
  expect((await refusal("webgl" as EngineName)).code).toBe("OUT_OF_RANGE");
});

test("without an addon native is missing, with the reason", async () => {
  vi.stubEnv("ETALON_BINARY", "portable");
  vi.resetModules();
  const { registerNative } = await import("./native/registerNative.ts");
  expect(registerNative()).toBe("the native addon is not built here, and no prebuilt one fits");
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
