import { AdamW, engine, linear, tf } from "../../src/index.ts";

/** The engine that auto takes, its backend's name, and a linear layer's result and weight after an update: [7, 10], and 1 and 2 less a tenth. */
export async function answers() {
  const running = await engine();
  const x = tf.tensor2d([[7, 5]]);
  const w = tf.tidy(() => tf.variable(tf.tensor2d([[1, 0], [0, 2]]))); // biome-ignore format: a matrix
  const { value, grads } = tf.variableGrads(() => linear(x, w).sum().asScalar());
  const y = Array.from(linear(x, w).dataSync());
  new AdamW(new Map([["w", w]]), { learningRate: 0.1, weightDecay: 0 }).step({ w: grads[w.name] });
  return { ...running, backend: tf.getBackend(), y, sum: value.dataSync()[0], w: Array.from(w.dataSync(), (v) => Number(v.toFixed(3))) }; // biome-ignore format: one thought
}
