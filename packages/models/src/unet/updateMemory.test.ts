import { engine, tf } from "@etalon/engine";
import { goldenJson } from "@etalon/testkit";
import { describe, expect, test } from "vitest";
import { sd15 } from "../../test/sdConfigs.ts";
import { UNet2DConditionModel } from "./UNet2DConditionModel.ts";
import { unetConfig } from "./unetConfig.ts";
import { updateMemory } from "./updateMemory.ts";

const { fused } = await engine();
const side = fused ? 32 : 16; // without fused kernels it takes its time

/** The most bytes that are handed out while `f` runs: tensors and, on the native engine, what kernels work in. */
function peakBytes(f: () => void): number {
  const engineOf = tf.engine() as unknown as { runKernel(...args: unknown[]): unknown };
  const { pool } = tf.backend() as unknown as { pool?: { take(...args: unknown[]): unknown; state: { used: number } } };
  const [owner, name] = pool ? [pool, "take" as const] : [engineOf, "runKernel" as const];
  const plain = (owner as unknown as Record<string, (...args: unknown[]) => unknown>)[name];
  let peak = 0;
  (owner as unknown as Record<string, unknown>)[name] = (...args: unknown[]) => {
    const out = plain.apply(owner, args);
    peak = Math.max(peak, pool ? pool.state.used : tf.memory().numBytes);
    return out;
  };
  try {
    f();
  } finally {
    (owner as unknown as Record<string, unknown>)[name] = plain;
  }
  return peak;
}

/** Bytes in use, counted as `peakBytes` does. */
const bytesInUse = () => (tf.backend() as unknown as { pool?: { state: { used: number } } }).pool?.state.used ?? tf.memory().numBytes; // biome-ignore format: one thought

function measured(checkpointing: boolean, batch: number, which: "lora" | "all") {
  const before = bytesInUse();
  const model = new UNet2DConditionModel(goldenJson<object>("unet_sd15/config.json")).initialise(1);
  model.net.checkpointing = checkpointing;
  if (which === "lora") model.addAdapter({ rank: 4 });
  const variables = [...model.parameters(which).values()];
  const inputs = { sample: tf.ones([batch, side, side, 4]), timestep: 5, encoderHiddenStates: tf.ones([batch, 7, 16]) };
  const trained = variables.reduce((sum, { size }) => sum + size, 0);
  const peak = peakBytes(() => {
    const { value, grads } = tf.variableGrads(() => model.forward(inputs).sample.square().mean().asScalar(), variables);
    tf.dispose([value, ...Object.values(grads)]);
  });
  const weights = model.net.parameters.bytes;
  const predicted = updateMemory(model.details, { batch, height: side, width: side, weights, trained, adapter: which === "lora", checkpointing, fused }); // biome-ignore format: one thought
  tf.dispose(Object.values(inputs).filter((value) => typeof value !== "number"));
  model.dispose();
  return { peak: peak - before, predicted };
}

describe("the prediction fits what is measured, to a fifth above and a tenth below", () => {
  test.each([[true, 1, "lora"], [true, 4, "lora"], [true, 4, "all"], [false, 2, "lora"]] as const)("blocks run again: %j, batch %d, %s", (checkpointing, batch, which) => {
    const { peak, predicted } = measured(checkpointing, batch, which);
    const moments = 2 * (predicted.training / (which === "lora" ? 4 : 3)); // AdamW's, which were not made here
    const ratio = (predicted.total - moments) / peak;
expect(ratio, JSON.stringify({ peak, ...predicted })).toBeGreaterThan(0.9);
    expect(ratio).toBeLessThan(1.2);
  }); // biome-ignore format: a table
});

test("blocks that run again take a fraction of the memory", () => {
  expect(measured(true, 4, "lora").peak).toBeLessThan(0.35 * measured(false, 4, "lora").peak);
});

test("Stable Diffusion 1.5, one sample with guidance: below 3 GB, a third of what keeping everything takes", () => {
  const size = {
    batch: 2,
    height: 64,
    width: 64,
    weights: 2 * 859_520_964,
    trained: 797_184,
    adapter: true,
    fused: true,
  };
  const [again, kept] = [true, false].map((checkpointing) => updateMemory(unetConfig(sd15.unet), { ...size, checkpointing }).total / 1e9); // biome-ignore format: one thought
  expect(again).toBeGreaterThan(2);
  expect(again).toBeLessThan(3);
  expect(kept).toBeGreaterThan(3 * again);
});
