import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { readEvents } from "../../test/readEvents.ts";
import { crc32c } from "./crc32c.ts";
import { EventFile } from "./EventFile.ts";

const folder = mkdtempSync(join(tmpdir(), "etalon-events-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("crc32c is that of RFC 3720, appendix B.4", () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
});

test("an event file begins as TensorFlow's does, and holds what was written", () => {
  const file = new EventFile(join(folder, "new"), 0);
  file.text("config", "a");
  file.scalars(300, { reward: { mean: 0.5, std: -2 }, loss: 1e-3, gradNorm: null });
  const png = Buffer.alloc(33);
  png.writeUInt32BE(5, 16);
  png.writeUInt32BE(3, 20);
  file.image(301, "samples", png);
  const events = readEvents(file.path);
  expect(events.map(({ step, version }) => [step, version])).toEqual([[0, "brain.Event:2"], [0, undefined], [300, undefined], [301, undefined]]); // biome-ignore format: a list
  expect(events[1].values).toEqual([{ tag: "config", text: "a" }]);
  expect(events[2].values).toEqual([
    { tag: "reward/mean", number: 0.5 },
    { tag: "reward/std", number: -2 },
    { tag: "loss", number: Math.fround(1e-3) },
  ]);
  expect(events[3].values).toEqual([{ tag: "samples", image: { width: 5, height: 3, png: new Uint8Array(png) } }]);
  expect(Math.abs(events[0].time - Date.now() / 1000)).toBeLessThan(60);
});

test("a run that goes on says from where older files count no more, in a file of its own", () => {
  const [first, second] = [0, 40].map((step) => new EventFile(join(folder, "again"), step));
  expect(second.path).not.toBe(first.path);
  expect(readEvents(second.path).map(({ step, starts }) => [step, starts])).toEqual([[0, false], [41, true]]); // biome-ignore format: a list
});

/** What tensorboardX 2.6.5 wrote for add_scalar("reward/mean", 0.5, 300, walltime=1.5), with protobuf's own encoder. */
const theirs =
  "1800000000000000a37f4b22091c02b1e8d0c1da411a0d627261696e2e4576656e743a3229396440" +
  "220000000000000078113dfd09000000000000f83f10ac022a140a120a0b7265776172642f6d65616e150000003f9e08dc68";

test("the bytes are those of TensorFlow's format: another writer's file, but for the times", () => {
  const other = join(folder, "theirs");
  writeFileSync(other, Buffer.from(theirs, "hex"));
  vi.useFakeTimers({ now: 1500 });
  const file = new EventFile(join(folder, "ours"), 0);
  file.scalars(300, { reward: { mean: 0.5 } });
  vi.useRealTimers();
  const [begun, ...rest] = readEvents(other);
  expect(begun.version).toBe("brain.Event:2");
  expect(readEvents(file.path).slice(1)).toEqual(rest);
  const record = Buffer.from(theirs, "hex").subarray(40);
  expect(readFileSync(file.path).subarray(40)).toEqual(record);
});
