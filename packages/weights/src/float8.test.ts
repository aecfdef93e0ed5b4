import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type Dtype, readSafetensors, toFloat32 } from "./index.ts";

const golden = readSafetensors(fileURLToPath(new URL("../golden/dtypes.safetensors", import.meta.url)));

test.each<[string, Dtype]>([
  ["float8_e5m2", "F8_E5M2"],
  ["float8_e4m3fn", "F8_E4M3"],
  ["float8_e8m0fnu", "F8_E8M0"],
  ["float8_e4m3fnuz", "F8_E4M3FNUZ"],
  ["float8_e5m2fnuz", "F8_E5M2FNUZ"],
])("%s: all 256 words are torch's float32, signs of zeros too", (name, dtype) => {
  const stored = golden.get(name);
  expect(stored).toMatchObject({ dtype, shape: [256] });
  const [ours, theirs] = [toFloat32(stored), golden.get(`${name}.float32`).data];
  for (let word = 0; word < 256; word++) expect(ours[word], `word ${word}`).toBe(theirs[word]);
});

test("complex, 4-bit and wide unsigned numbers as torch writes them", () => {
  expect(golden.get("c64")).toEqual({ dtype: "C64", shape: [1, 2], data: Float32Array.of(1, 2, -3.5, -0.25) });
  expect(golden.get("f4")).toEqual({ dtype: "F4", shape: [1, 4], data: Uint8Array.of(0x12, 0xf0) });
  expect(golden.get("u16").data).toEqual(Uint16Array.of(0, 65535));
  expect(golden.get("u64").data).toEqual(BigUint64Array.of(0n, 2n ** 64n - 1n));
  expect(() => toFloat32(golden.get("c64"))).toThrow('dtype is "C64"; allowed: F64, F32, F16, BF16, F8_E5M2');
});
