import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { EtalonError, readSafetensors, readTorch } from "./index.ts";

const golden = (name: string) => fileURLToPath(new URL(`../golden/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "etalon-torch-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ["torch/plain.pt", "torch/plain.safetensors", ""],
  ["open_clip/model.pt", "open_clip/model.safetensors", "state_dict."],
])("%s holds what torch wrote as %s: every dtype, views, shared storages", async (torch, safetensors, prefix) => {
  const [read, truth] = [await readTorch(golden(torch)), readSafetensors(golden(safetensors))];
  expect([...read.names].sort()).toEqual(truth.names.map((name) => prefix + name).sort());
  for (const name of truth.names) {
    expect(read.get(prefix + name)).toEqual(truth.get(name));
    expect(read.info(prefix + name)).toEqual(truth.info(name));
  }
});

test("8-bit floats, beside the safetensors file of the same words", async () => {
  const [read, truth] = [await readTorch(golden("torch/float8.pt")), readSafetensors(golden("dtypes.safetensors"))];
  expect(read.names.length).toBe(5);
  for (const name of read.names) expect(read.get(name)).toEqual(truth.get(name));
});

test("parts of tensors, of views with strides too, are read into the caller's memory", async () => {
  const { get, info, readInto, names } = await readTorch(golden("torch/plain.pt"));
  for (const name of names) {
    const { data } = get(name);
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const width = data.length === 0 ? 0 : data.byteLength / data.length;
    const part = Buffer.alloc(Math.max(0, bytes.length - width));
    readInto(name, part, bytes.length - part.length);
    expect(part, `${name} ${info(name).shape}`).toEqual(bytes.subarray(bytes.length - part.length));
    expect(() => readInto(name, Buffer.alloc(bytes.length + 1))).toThrow(`from, a byte of ${name} is 0`);
  }
});

test("NaN and infinity, where finite numbers are asked for", async () => {
  const { names, get } = await readTorch(golden("torch/float8.pt"));
  expect(() => get("float8_e4m3fn", { finite: true })).toThrow(
    'float8.pt: tensor "float8_e4m3fn" is NaN or infinite at [127]',
  );
  expect(() => get("float8_e5m2", { finite: true })).toThrow('tensor "float8_e5m2" is NaN or infinite at [124]');
  expect(names).toContain("float8_e5m2");
});

test("names of nested dicts are joined; plain values are passed over", async () => {
  const { names, get } = await readTorch(golden("torch/nested.pt"));
  expect(names).toEqual(["state_dict.a.weight", "state_dict.b.c"]);
  expect(get("state_dict.b.c").data).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5));
});

test("a global that is not allowed is named, and nothing of it runs", async () => {
  await expect(readTorch(golden("torch/strange.pt"))).rejects.toThrow("the global __main__.Strange; allowed: tensors");
});

test("the format before torch 1.6, a missing file, a tensor that is not there", async () => {
  await expect(readTorch(golden("torch/legacy.pt"))).rejects.toThrow("allowed: a zip archive, as torch.save writes since 1.6. Load it in torch"); // biome-ignore format: one thought
  await expect(readTorch(join(folder, "none.pt"))).rejects.toThrow("allowed: a torch checkpoint that can be read.");
  const { get } = await readTorch(golden("torch/nested.pt"));
  expect(() => get("x")).toThrow('tensor is "x"; allowed: one of the 2 names');
});

test("cut anywhere, or with any one byte changed: an EtalonError or the tensors, never another error", async () => {
  const bytes = readFileSync(golden("torch/nested.pt"));
  const file = join(folder, "a.pt");
  const cases = Array.from({ length: 200 }, (_, i) => {
    const at = (i * 7919) % bytes.length;
    if (i % 4 === 0) return bytes.subarray(0, at);
    const copy = Buffer.from(bytes);
    copy[at] ^= 1 << (i % 8);
    return copy;
  });
  let refused = 0;
  for (const each of cases) {
    writeFileSync(file, each);
    try {
      const { names, get } = await readTorch(file);
      for (const name of names) get(name);
    } catch (error) {
      expect(EtalonError.is(error), String(error)).toBe(true);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(50);
});
