import { expect, test } from "vitest";
import { describeEngine } from "./describeEngine.ts";

const lacks = ["a GPU", "FFT: TensorFlow.js's own serves"];
const traits = { fused: false, unpacks: true, slow: false };

test("native: which it is, why, what was passed over, what it lacks; no advice", () => {
  const why = "the first that works; tfjs-node-gpu: it is not installed";
  expect(describeEngine({ ...traits, name: "native", version: "0.1.0 (avx2)", threads: 2, device: "cpu", lacks, why }, true)).toEqual({
    what: "engine",
    ok: true,
    found: "native 0.1.0 (avx2), on the processor, 2 threads",
    more: ["why: the first that works; passed over:", "     tfjs-node-gpu: it is not installed", "lacks: a GPU; FFT: TensorFlow.js's own serves"],
    advice: undefined,
  });
}); // biome-ignore format: long lines

test.each([
  ["wasm", true, { slow: true, faster: "native" }, "native runs here too and is several times faster: without ETALON_ENGINE it is taken."],
  ["wasm", false, { slow: true, faster: "native" }, "native is several times faster: it needs the addon (see the line `native`)."],
  ["tfjs-node", true, { faster: "native" }, "native runs here too and is faster on a processor: without ETALON_ENGINE it is taken."],
  ["tfjs-node-gpu", true, {}, undefined],
] as const)("%s, the addon loaded: %s", (name, addon, own, advice) => {
  const device = name === "tfjs-node-gpu" ? "gpu" : "cpu";
  const finding = describeEngine({ ...traits, ...own, name, version: "4.22.0", threads: 1, device, lacks: [], why: "ETALON_ENGINE names it" }, addon);
  expect(finding.advice).toBe(advice);
  expect(finding.found).toMatch(device === "gpu" ? /on the GPU, 1 thread$/ : /on the processor, 1 thread$/);
  expect(finding.more).toEqual(["why: ETALON_ENGINE names it", "lacks: nothing known"]);
}); // biome-ignore format: long lines
