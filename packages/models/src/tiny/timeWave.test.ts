import "@etalon/testkit";
import { engine, tf } from "@etalon/engine";
import { expect, test } from "vitest";
import { timeWave } from "./timeWave.ts";

test("times become cosines and sines of rates from 1000 down to 1000/10000^(1 − 2/width); one that stands twice in a row has one wave", async () => {
  await engine();
  const times = [0.5, 0.5, 0.98, 0.5];
  const wave = tf.tidy(() => timeWave(Float32Array.from(times), 6).dataSync<"float32">().slice());
  const expected = times.flatMap((t) => {
    const angles = [0, 1, 2].map((i) => 1000 * Math.fround(t) * 10_000 ** (-i / 3));
    return [...angles.map(Math.cos), ...angles.map(Math.sin)];
  });
  expect(wave).toBeAllclose(expected, { atol: 6e-5 }); // an angle of 1000 in float32 is as far off
});
