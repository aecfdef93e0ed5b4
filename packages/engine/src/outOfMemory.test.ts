import { expect, test } from "vitest";
import { started } from "../test/startEngine.ts";
import { EtalonError, type Tensor4D, tf } from "./index.ts";
import { asOutOfMemory } from "./outOfMemory.ts";

const huge = [2 ** 20, 2 ** 20, 4];

test.each<[string, () => unknown]>([
  ["zeros", () => tf.zeros(huge)],
  ["ones", () => tf.ones(huge)],
  ["a variable of zeros", () => tf.variable(tf.zeros(huge))],
  ["buffer", () => tf.buffer(huge)],
  ["range", () => tf.range(0, 2 ** 42)],
  ["eye", () => tf.eye(2 ** 21)],
  ["randomNormal", () => tf.randomNormal(huge)],
  ["randomStandardNormal", () => tf.randomStandardNormal(huge)],
  ["randomUniform", () => tf.randomUniform(huge)],
  ["randomUniformInt", () => tf.randomUniformInt(huge, 0, 2)],
  ["randomGamma", () => tf.randomGamma(huge, 1)],
  ["truncatedNormal", () => tf.truncatedNormal(huge)],
  ...(started.name === "native" ? inKernels() : []),
])(`%s of a shape too large for any machine is an EtalonError on ${started.name}, and nothing is left`, (_, run) => {
  const before = tf.memory();
  let thrown: unknown;
  try {
    tf.tidy(() => void run());
  } catch (error) {
    thrown = error;
  }
  expect(EtalonError.is(thrown), String(thrown)).toBe(true);
  expect(thrown).toMatchObject({ code: "UNSUPPORTED", detail: { argument: "size of a tensor" } });
  expect((thrown as Error).message).toMatch(/^Out of memory: .*Use smaller /);
  expect(tf.memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
});

/** Native kernels, and JavaScript ones on the native engine. */
function inKernels(): [string, () => unknown][] {
  const one = () => tf.ones([1]);
  const index = () => tf.tensor1d([0], "int32");
  return [
    ["linspace", () => tf.linspace(0, 1, 2 ** 42)], // wasm has a kernel of its own, whose size runs over
    ["fill", () => tf.fill(huge, 1)],
    ["tile", () => tf.tile(one(), [2 ** 42])],
    ["broadcastTo", () => tf.broadcastTo(one(), [2 ** 42])],
    ["pad", () => tf.pad(one(), [[0, 2 ** 42]])],
    ["oneHot", () => tf.oneHot(index(), 2 ** 42)],
    ["scatterND", () => tf.scatterND(tf.tensor2d([0], [1, 1], "int32"), one(), [2 ** 42])],
    ["sparseToDense", () => tf.sparseToDense(index(), one(), [2 ** 42])],
    ["resizeBilinear", () => tf.image.resizeBilinear(tf.ones([1, 2, 2, 1]) as Tensor4D, [2 ** 21, 2 ** 21])],
    ["an outer product", () => tf.matMul(tf.ones([2 ** 20, 1]), tf.ones([1, 2 ** 22]))],
    ["a pooling with padding", () => tf.maxPool(tf.ones([1, 1, 1, 1]) as Tensor4D, 1, 1, [[0, 0], [2 ** 21, 0], [2 ** 21, 0], [0, 0]])],
  ]; // biome-ignore format: a table
}

test("an error that is not about memory stays as it is", () => {
  for (const error of [
    new RangeError("Maximum call stack size exceeded"),
    new TypeError("Invalid array length"),
    new Error("Invalid TF_Status: 3"),
    3,
  ])
    expect(asOutOfMemory(error, "x")).toBe(error);
  expect(asOutOfMemory(new Error("Invalid TF_Status: 8\nMessage: OOM when allocating tensor"), "x")).toMatchObject({
    code: "UNSUPPORTED",
  });
  expect(() => tf.range(0, 1, 0)).toThrow("Cannot have a step of zero");
});
