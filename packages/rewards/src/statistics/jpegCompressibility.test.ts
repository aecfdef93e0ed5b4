import "@etalon/testkit";
import { describe, expect, test } from "vitest";
import { loadReward, scoreChecked } from "../index.ts";

/** Two 32×32 images: plain grey, and noise of a linear congruential generator. */
function greyAndNoise() {
  const size = 32 * 32 * 3;
  const data = new Uint8Array(2 * size).fill(128);
  for (let i = size, state = 1; i < 2 * size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  return { data, count: 2, width: 32, height: 32 };
}

describe("jpeg-incompressibility", () => {
  test("is the file's bytes in kB, and compressibility is minus that", async () => {
    const images = greyAndNoise();
    const kB = await scoreChecked(await loadReward("jpeg-incompressibility"), images, ["", ""]);
    const minus = await scoreChecked(await loadReward("jpeg-compressibility"), images, ["", ""]);
    expect([...minus]).toEqual([...kB].map((size) => -size));
    expect(kB[1]).toBeGreaterThan(2 * kB[0]);
  });

  test("counts the bytes that PIL 12.3 writes at quality 95, as ddpo-pytorch does", async () => {
    // Made with: Image.frombytes("RGB", (32, 32), pixels).save(buffer, format="JPEG", quality=95); buffer.tell()
    const kB = await (await loadReward("jpeg-incompressibility")).score(greyAndNoise(), ["", ""]);
    expect(kB).toBeAllclose([0.641, 1.816], { rtol: 0, atol: 1e-7 });
  });

  test("takes its quality, and no other option", async () => {
    const images = greyAndNoise();
    const [, coarse] = await (await loadReward("jpeg-incompressibility", { quality: 30 })).score(images, ["", ""]);
    const [, fine] = await (await loadReward("jpeg-incompressibility")).score(images, ["", ""]);
    expect(coarse).toBeLessThan(fine);
    await expect(loadReward("jpeg-incompressibility", { quality: 101 })).rejects.toThrow(
      "quality is 101; allowed: a whole number ≥ 1 and ≤ 100.",
    );
    await expect(loadReward("brightness", { quality: 95 })).rejects.toMatchObject({ code: "OUT_OF_RANGE" });
  });
});
