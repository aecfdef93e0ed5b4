// Files that nobody meant to write. A short run here; `npm run fuzz -w @etalon/weights` makes 10^5 files, ETALON_FUZZ another number, ETALON_FUZZ_SEED another seed.
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getHeapStatistics } from "node:v8";
import { afterAll, expect, test, vi } from "vitest";
import { Draws, safetensorsCase, torchCase } from "./fuzzCases.ts";
import { EtalonError, readSafetensors, readTorch, type SafetensorsFile } from "./index.ts";

const cases = Number(process.env.ETALON_FUZZ ?? 800);
const seed = Number(process.env.ETALON_FUZZ_SEED ?? 1);
const folder = mkdtempSync(join(tmpdir(), "etalon-fuzz-"));
const files = ["a.safetensors", "a.pt"].map((name) => {
  const file = join(folder, name);
  return { file, descriptor: openSync(file, "w") };
});
afterAll(() => {
  for (const { descriptor } of files) closeSync(descriptor);
  rmSync(folder, { recursive: true });
});
const sound = ["plain", "nested"].map((name) => readFileSync(new URL(`../golden/torch/${name}.pt`, import.meta.url)));
/** Bytes that a read may make beside the file's own: an expanded torch tensor's most, and small things. */
const aside = { safetensors: 2 ** 16, torch: 8 * 2 ** 22 + 2 ** 20 };

test(`${cases} files, from seed ${seed}: an error that says what is wrong, or tensors that fill the file; no memory beyond it`, async () => {
  const counts = { sound: 0, refused: 0, tensors: 0, mostMade: 0, slowest: 0 };
  vi.spyOn(console, "warn").mockImplementation(() => undefined); // the pickle parser tells of large numbers
  const heap = process.memoryUsage().rss;
  for (let i = 0; i < cases; i++) {
    const draws = new Draws(seed * 1_000_003 + i);
    const isTorch = i % 4 === 3;
    const bytes = isTorch ? torchCase(draws, draws.of(sound)) : safetensorsCase(draws);
    const { file, descriptor } = files[isTorch ? 1 : 0];
    writeSync(descriptor, bytes, 0, bytes.length, 0);
    ftruncateSync(descriptor, bytes.length); // a file that is cut to nothing first is brought to the disk at once, which takes longer than all else
    const begun = performance.now();
    const before = external();
    try {
      const opened = isTorch ? await readTorch(file) : readSafetensors(file);
      const read = readAll(opened);
      if (!isTorch) expect(read).toBe(bytes.length - 8 - Number(bytes.readBigUInt64LE(0)));
      counts.sound++;
      counts.tensors += opened.names.length;
    } catch (error) {
      if (!EtalonError.is(error) || !["BAD_FILE", "UNSUPPORTED"].includes(error.code) || error.message.length > 2000)
        throw new Error(`case ${i} of seed ${seed}: ${error instanceof Error ? error.stack : error}`);
      counts.refused++;
    }
    const made = external() - before;
    if (made > 4 * bytes.length + (isTorch ? aside.torch : aside.safetensors))
      throw new Error(`case ${i} of seed ${seed}: ${made} bytes for a file of ${bytes.length}`);
    counts.mostMade = Math.max(counts.mostMade, made);
    counts.slowest = Math.max(counts.slowest, performance.now() - begun);
    if (cases > 10_000 && (i + 1) % 10_000 === 0) console.log(`${i + 1} files, ${JSON.stringify(counts)}`);
  }
  const grown = (process.memoryUsage().rss - heap) / 2 ** 20;
  if (cases > 10_000) console.log(`the process grew by ${grown.toFixed(0)} MiB`);
  expect(counts.refused).toBeGreaterThan(cases / 3);
  expect(counts.sound).toBeGreaterThan(cases / 20);
  expect(grown).toBeLessThan(600);
}, 1_800_000);

/** Bytes of array buffers and the like that the process holds. */
const external = (): number => getHeapStatistics().external_memory;

function readAll({ names, get }: SafetensorsFile): number {
  return names.reduce((sum, name) => sum + get(name).data.byteLength, 0);
}
