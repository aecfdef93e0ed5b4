import { expect, test } from "vitest";
import { started } from "../../test/startEngine.ts";
import { linear, type Tensor2D, tf, unpack } from "../index.ts";
import { plainLinear } from "./plainLinear.ts";

test(`unpack on ${started.name}: bf16 is the upper half of a float32, for every pattern`, () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const expected = new Float32Array(Uint32Array.from(bits, (pattern) => pattern << 16).buffer);
  const actual = tf.tidy(() => unpack("bf16", bits, [256, 256])).dataSync();
  expect(bits.find((i) => !Object.is(actual[i], expected[i]))).toBeUndefined();
});

test("unpack: f16's ends, subnormals, infinities and NaN", () => {
  const bits = Uint16Array.of(0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x03ff, 0x0400, 0x7c00, 0xfc00, 0x7e01);
  const expected = [0, -0, 1, -2, 65504, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, Infinity, -Infinity, Number.NaN];
  const actual = unpack("f16", bits, [11]).dataSync();
  expect(Array.from(actual)).toEqual(expected);
  expect(() => unpack("f8" as "f16", bits, [11])).toThrow('kind is "f8"; allowed: bf16, f16.');
});

test.each([
  ["linear", linear],
  ["the plain product", plainLinear],
])("%s with weights that are unpacked within the pass has the gradient of its input", (_, product) => {
  const weights = () => unpack("bf16", Uint16Array.of(0x3f80, 0x4000, 0x4040, 0x4080), [2, 2]) as Tensor2D; // 1, 2, 3, 4
  const x = tf.variable(tf.tensor2d([5, 6], [1, 2]));
  const { grads } = tf.variableGrads(() => product(x, weights()).sum().asScalar(), [x]);
  expect(Array.from(grads[x.name].dataSync())).toEqual([3, 7]);
});
