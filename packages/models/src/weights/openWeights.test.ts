import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeSafetensors } from "@etalon/weights";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ParameterSpec } from "../nn/layout.ts";
import { matchKeys } from "./matchKeys.ts";
import { openSafetensors, openWeights } from "./openWeights.ts";

const golden = fileURLToPath(new URL("../../test/golden/torch_bin", import.meta.url));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "etalon-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const one = (value: number) => ({ dtype: "F32" as const, shape: [1], data: Float32Array.of(value) });
const write = (name: string, tensors: Record<string, ReturnType<typeof one>>) => writeSafetensors(join(folder, name), tensors); // biome-ignore format: one thought
const index = (map: unknown, name = "model.safetensors.index.json") => writeFileSync(join(folder, name), JSON.stringify({ weight_map: map })); // biome-ignore format: one thought

describe("openWeights", () => {
  test("takes full precision before a variant, and the variant that is asked for first", async () => {
    write("diffusion_pytorch_model.fp16.safetensors", { a: one(16) });
    expect((await openWeights(folder)).get("a").data[0]).toBe(16);
    cpSync(join(golden, "pytorch_model.bin"), join(folder, "diffusion_pytorch_model.bin"));
    expect((await openWeights(folder)).place).toContain("diffusion_pytorch_model.bin");
    expect(() => openSafetensors(folder)).toThrow("allowed: safetensors. loadModel reads torch's files too.");
    write("diffusion_pytorch_model.safetensors", { a: one(32) });
    expect((await openWeights(folder)).get("a").data[0]).toBe(32);
    expect((await openWeights(folder, "fp16")).get("a").data[0]).toBe(16);
    expect(openSafetensors(folder).get("a").data[0]).toBe(32);
  });

  test("reads parts by their index", async () => {
    write("model-00001-of-00002.safetensors", { a: one(1) });
    write("model-00002-of-00002.safetensors", { b: one(2) });
    index({ a: "model-00001-of-00002.safetensors", b: "model-00002-of-00002.safetensors" });
    const source = await openWeights(folder);
    expect(source.names).toEqual(["a", "b"]);
    expect(source.get("b").data[0]).toBe(2);
    expect(source.info("a").shape).toEqual([1]);
  });

  test.each<[string, unknown, string]>([
    ["a part outside the folder", { a: "../model.safetensors" }, 'the part "../model.safetensors"; allowed: names of .safetensors files beside the index.'],
    ["a part by its whole path", { a: "/etc/model.safetensors" }, 'the part "/etc/model.safetensors"; allowed: names of .safetensors'],
    ["a part of another kind", { a: "part.bin" }, 'the part "part.bin"; allowed: names of .safetensors files beside the index.'],
    ["a tensor that lies in another part", { a: "part.safetensors", b: "part.safetensors", c: "other.safetensors" }, "b in part.safetensors, where it is not; allowed: each name's own part."],
    ["a part that is not there", { a: "none.safetensors" }, "the part none.safetensors, which is not there"],
    ["a tensor that no part has", { a: "part.safetensors", d: "part.safetensors" }, "d, which no part has"],
    ["no map", 3, "no weight_map; allowed: JSON with a weight_map of tensor names to files."],
  ])("refuses %s", async (_, map, message) => {
    write("part.safetensors", { a: one(1) });
    write("other.safetensors", { b: one(1), c: one(1) });
    index(map);
    await expect(openWeights(folder)).rejects.toThrow(message);
    expect(() => openSafetensors(folder)).toThrow(message);
  }); // biome-ignore format: a table

  test("refuses a name in two parts, and a folder without weights, saying what is there", async () => {
    write("x.safetensors", { a: one(1) });
    write("y.safetensors", { a: one(1), b: one(1) });
    index({ a: "x.safetensors", b: "y.safetensors" });
    await expect(openWeights(folder)).rejects.toThrow("a stands in two parts; allowed: each tensor in one part.");
    await expect(openWeights(join(folder, "none"))).rejects.toThrow("There is: no such folder.");
  });
});

describe("matchKeys", () => {
  const specs: ParameterSpec[] = [
    { name: "to_q.weight", shape: [2, 3], layout: "linear" },
    { name: "b", shape: [1], layout: "plain" },
  ];
  const source = (shapes: Record<string, number[]>) => ({
    place: "file",
    names: Object.keys(shapes),
    info: (name: string) => ({ dtype: "F32" as const, shape: shapes[name] }),
    get: () => one(0),
    readInto: () => undefined,
  });
  const older = (name: string) => [name.replace("to_q", "query")];

  test("finds names, older names, and layers stored as convolutions of one pixel; leaves buffers aside", () => {
    const keys = matchKeys(source({ "query.weight": [2, 3, 1, 1], b: [1], "x.position_ids": [1, 77] }), specs, older);
    expect([...keys]).toEqual([["to_q.weight", "query.weight"], ["b", "b"]]); // biome-ignore format: one thought
  });

  test.each(["", "state_dict.", "module.", "model.", "state_dict.module.", "model_state_dict._orig_mod.module."])(
    "behind %j, with an optimiser beside it where there is a wrapper",
    (prefix) => {
      const shapes = { [`${prefix}query.weight`]: [2, 3], [`${prefix}b`]: [1], ...(prefix && { "optimizer.m": [9] }) };
      const keys = matchKeys(source(shapes), specs, older);
      expect([...keys.values()]).toEqual([`${prefix}query.weight`, `${prefix}b`]);
      const more = { ...shapes, [`${prefix}c`]: [1] };
      expect(() => matchKeys(source(more), specs, older)).toThrow(`1 unexpected: ${prefix}c.`);
    },
  );

  test("names all that does not fit, at once", () => {
    const match = () => matchKeys(source({ "to_q.weight": [3, 2], c: [1], d: [1] }), specs, older);
    expect(match).toThrow("file does not fit its config: 1 missing: b; 2 unexpected: c, d; 1 of another shape: to_q.weight is [3, 2] and should be [2, 3].");
  }); // biome-ignore format: long lines
});
