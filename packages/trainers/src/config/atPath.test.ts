import { check, EtalonError } from "@etalon/errors";
import { expect, test } from "vitest";
import { atPath } from "./atPath.ts";

const thrown = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

test("an error on an argument is told by its path, at once and from a promise; its code and value stay", async () => {
  const places = { start: "sampler.start", eta: "sampler.eta" };
  const start = () => check.range("start", 5, { max: 1 });
  const expected = { code: "OUT_OF_RANGE", message: "sampler.start is 5; allowed: a finite number ≤ 1.", detail: { argument: "sampler.start", value: 5 } }; // biome-ignore format: one thought
  expect(thrown(() => atPath(places, start))).toMatchObject(expected);
  await expect(atPath(places, async () => start())).rejects.toMatchObject(expected);
  expect(thrown(() => atPath(places, () => check.range("eta[3]", -1, { min: 0 })))).toMatchObject({
    message: "sampler.eta is -1; allowed: a finite number ≥ 0.",
  });
  expect(atPath(places, () => 7)).toBe(7);
});

test("with a value of the config's own; a sentence of its own follows the path; other errors pass", () => {
  const path = () => check.that(false, "UNSUPPORTED", { argument: "path", value: "flow", allowed: "vp" });
  expect(thrown(() => atPath({ path: ["sampler.rule", "ddim"] }, path))).toMatchObject({
    message: 'sampler.rule is "ddim"; allowed: vp.',
  });
  const own = new EtalonError("BAD_FILE", { argument: "model" }, { message: "It is cut." });
  expect(thrown(() => atPath({ model: "model" }, () => { throw own; }))).toMatchObject({ message: "model: It is cut.", cause: own }); // biome-ignore format: one thought
  expect(thrown(() => atPath({ other: "x" }, path))).toMatchObject({ detail: { argument: "path" } });
  const plain = new TypeError("x");
  expect(thrown(() => atPath({ x: "x" }, () => { throw plain; }))).toBe(plain); // biome-ignore format: one thought
});
