import { expect, test } from "vitest";
import { started } from "../test/startEngine.ts";
import { peek, tf, writtenTensors } from "./index.ts";

test("a peeked-at tensor is read as it is; on native nothing is copied", () => {
  const x = tf.tensor2d([
    [1, 2],
    [3, 4],
  ]);
  expect(peek(x)).toEqual(Float32Array.of(1, 2, 3, 4));
  if (started.name === "native") expect(peek(x)).toBe(peek(x));
  x.dispose();
  if (started.name === "native") expect(() => peek(x)).toThrow("a tensor that is alive");
});

test("written tensors hold what was written, of the shapes that were asked for", () => {
  const [a, b] = writtenTensors([[2, 3], [4]], (first, second) => {
    first.set([1, 2, 3, 4, 5, 6]);
    second.fill(7);
  });
  expect([a.shape, b.shape]).toEqual([[2, 3], [4]]);
  expect(tf.concat([a.flatten(), b]).dataSync()).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 7, 7, 7));
  expect(a.mul(2).sum().dataSync()[0]).toBe(42);
});

test("where writing throws, nothing is left, and what was made before is alive", () => {
  const [kept] = writtenTensors([[2]], (values) => values.fill(3));
  const before = tf.memory();
  const failing = () =>
    writtenTensors([[5], [6]], () => {
      throw new Error("no");
    });
  expect(failing).toThrow("no");
  expect(tf.memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
  expect(kept.dataSync()).toEqual(Float32Array.of(3, 3));
});
