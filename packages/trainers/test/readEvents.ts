import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { maskedCrc32c } from "../src/tensorboard/crc32c.ts";

/** A tensorflow.Event, as far as a run writes it. */
export interface ReadEvent {
  time: number;
  step: number;
  version?: string;
  /** Whether it is a session's START, at which TensorBoard forgets older files' later steps. */
  starts: boolean;
  values: { tag: string; number?: number; text?: string; image?: { width: number; height: number; png: Uint8Array } }[];
}

type Value = number | Uint8Array;

/** The events of a file; both checks of every record are looked at. */
export function readEvents(file: string): ReadEvent[] {
  const bytes = readFileSync(file);
  const events: ReadEvent[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)));
    const content = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(content));
    events.push(eventOf(fieldsOf(content)));
    at += length + 16;
  }
  return events;
}

/** A message's fields by their numbers. */
function fieldsOf(bytes: Buffer): Map<number, Value[]> {
  const fields = new Map<number, Value[]>();
  let at = 0;
  const varint = () => {
    let [value, shift] = [0, 1];
    for (; ; shift *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const read: Record<number, () => Value> = {
      0: varint,
      1: () => take(8).readDoubleLE(),
      2: () => take(varint()),
      5: () => take(4).readFloatLE(),
    };
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), read[key & 7]()]);
  }
  return fields;
}

const within = (value: Value | undefined): Map<number, Value[]> => fieldsOf(Buffer.from((value as Uint8Array) ?? []));
const text = (value: Value): string => Buffer.from(value as Uint8Array).toString();

function eventOf(event: Map<number, Value[]>): ReadEvent {
  const values = (within(event.get(5)?.[0]).get(1) ?? []).map((value) => {
    const fields = within(value);
    const image = fields.get(4) && within(fields.get(4)?.[0]);
    const said = fields.get(8) && within(fields.get(8)?.[0]).get(8);
    return {
      tag: text(fields.get(1)?.[0] as Value),
      ...(fields.has(2) && { number: fields.get(2)?.[0] as number }),
      ...(said && { text: text(said[0]) }),
      ...(image && { image: { width: image.get(2)?.[0] as number, height: image.get(1)?.[0] as number, png: new Uint8Array(image.get(4)?.[0] as Uint8Array) } }), // biome-ignore format: one thought
    };
  });
  const version = event.get(3)?.[0];
  return {
    time: event.get(1)?.[0] as number,
    step: (event.get(2)?.[0] ?? 0) as number,
    ...(version !== undefined && { version: text(version) }),
    starts: within(event.get(7)?.[0]).get(1)?.[0] === 1,
    values,
  };
}
