import { expect, test } from "vitest";
import { started } from "../test/startEngine.ts";
import { peek, tf } from "./index.ts";

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
