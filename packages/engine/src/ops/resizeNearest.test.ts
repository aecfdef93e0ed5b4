import "@etalon/testkit";
import { expect, test } from "vitest";
import { started } from "../../test/startEngine.ts";
import { resizeNearest, tf } from "../index.ts";

test.each([[3, 4, 6, 8], [2, 3, 3, 5], [4, 4, 2, 3], [2, 2, 2, 2], [5, 7, 10, 13]])(`resizeNearest on ${started.name}: %d×%d to %d×%d, and its gradient`, (height, width, rows, columns) => {
  const [batch, channels] = [2, 3];
  const x = tf.range(0, batch * height * width * channels).reshape([batch, height, width, channels]);
  const y = resizeNearest(x, rows, columns);
  const from = (i: number, old: number, now: number) => Math.floor((i * old) / now);
  const source = (at: number) => {
    const [c, j, i, b] = [at % channels, Math.floor(at / channels) % columns, Math.floor(at / channels / columns) % rows, Math.floor(at / channels / columns / rows)];
    return ((b * height + from(i, height, rows)) * width + from(j, width, columns)) * channels + c;
  };
  expect(Array.from(y.dataSync())).toEqual(Array.from({ length: y.size }, (_, at) => source(at)));
  const dy = Float32Array.from({ length: y.size }, (_, at) => Math.sin(at));
  const sums = new Float64Array(x.size);
  for (const [at, value] of dy.entries()) sums[source(at)] += value;
  const gradient = tf.grad((a) => resizeNearest(a, rows, columns))(x, tf.tensor(dy, y.shape));
  expect(gradient.dataSync()).toBeAllclose(sums, { atol: 1e-6 });
}); // biome-ignore format: long lines
