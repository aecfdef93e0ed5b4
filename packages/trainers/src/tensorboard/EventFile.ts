import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { appendBytes } from "../run/appendLines.ts";
import { io } from "../run/io.ts";
import { maskedCrc32c } from "./crc32c.ts";
import { bytes, double, type Field, float, message, whole } from "./message.ts";

/** Numbers by their tags; objects within give tags with a slash. What is null is left out. */
export interface Scalars {
  readonly [tag: string]: number | null | Scalars;
}

/**
 * A run's numbers, pictures and config for TensorBoard: an event file (TFRecords of tensorflow.Event, core/util/event.proto, core/framework/summary.proto). Each call brings what it writes to
 * the disk. A run that goes on begins another file, which says from which step on TensorBoard has to forget what an earlier one wrote.
 */
export class EventFile {
  readonly path: string;

  /**
   * @param folder  of the event files; made where it is not there    @param step  updates that are done already: steps after it, in older files, count no more
   * @throws EtalonError IO
   */
  constructor(folder: string, step: number) {
    const second = Math.floor(Date.now() / 1000);
    this.path = join(folder, `events.out.tfevents.${second}.${hostname()}.${process.pid}.${counter++}`);
    io(folder, () => mkdirSync(dirname(this.path), { recursive: true }));
    const start = bytes(7, message(whole(1, 1))); // session_log: START
    this.#append([event(0, bytes(3, "brain.Event:2")), ...(step > 0 ? [event(step + 1, start)] : [])]);
  }

  /** Adds numbers of a step, all in one event. @throws EtalonError IO */
  scalars(step: number, values: Scalars): void {
    const fields = flat(values).map(([tag, value]) => bytes(1, message(bytes(1, tag), float(2, value))));
    this.#append([event(step, bytes(5, message(...fields)))]);
  }

  /** Adds a picture of a step, a PNG. @throws EtalonError IO */
  image(step: number, tag: string, png: Uint8Array): void {
    const [width, height] = [16, 20].map((at) => Buffer.from(png).readUInt32BE(at)); // its first chunk, IHDR, begins with them
    const image = message(whole(1, height), whole(2, width), whole(3, 3), bytes(4, png)); // 3: RGB
    this.#append([event(step, bytes(5, message(bytes(1, message(bytes(1, tag), bytes(4, image))))))]);
  }

  /** Adds a text, Markdown, of step 0. @throws EtalonError IO */
  text(tag: string, content: string): void {
    const metadata = message(bytes(1, message(bytes(1, "text")))); // which of TensorBoard's parts shows it
    const shape = message(bytes(2, message(whole(1, 1)))); // one dimension of one text
    const tensor = message(whole(1, 7), bytes(2, shape), bytes(8, content)); // 7: DT_STRING
    this.#append([event(0, bytes(5, message(bytes(1, message(bytes(1, tag), bytes(9, metadata), bytes(8, tensor))))))]);
  }

  #append(events: readonly Uint8Array[]): void {
    appendBytes(this.path, Buffer.concat(events.map(record)));
  }
}

/** Files that this process began: in one second, too. */
let counter = 0;

/** A step of 0 is not written: protobuf's default. */
const event = (step: number, what: Field): Uint8Array =>
  message(double(1, Date.now() / 1000), ...(step > 0 ? [whole(2, step)] : []), what);

/** A TFRecord: the length and its check, the bytes and theirs; all little-endian. */
function record(content: Uint8Array): Uint8Array {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(content.length));
  head.writeUInt32LE(maskedCrc32c(head.subarray(0, 8)), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(maskedCrc32c(content));
  return Buffer.concat([head, content, tail]);
}

function flat(values: Scalars, above = ""): [tag: string, value: number][] {
  return Object.entries(values).flatMap(([name, value]): [string, number][] => {
    if (value === null) return [];
    return typeof value === "number" ? [[above + name, value]] : flat(value, `${above}${name}/`);
  });
}
