/** Numbers that are drawn alike for the same seed: Marsaglia's xorshift of 32 bits. */
export class Draws {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 0x9e3779b1) | 1;
    for (let i = 0; i < 8; i++) this.below(2);
  }

  /** A whole number from 0 to n − 1. */
  below(n: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % n;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

const sizes = { BOOL: 8, F4: 4, F6_E2M3: 6, U8: 8, I8: 8, F8_E4M3: 8, I16: 16, F16: 16, BF16: 16, F32: 32, C64: 64, F64: 64, I64: 64 }; // biome-ignore format: a table
const oddNumbers = ["-1", "-0", "0.5", "1.0", "1e3", "1e308", "1e999", "9007199254740991", "9007199254740993", "18446744073709551615", "18446744073709551616", "0", "1", "2147483648", "4294967295"]; // biome-ignore format: a list
const oddValues = [...oddNumbers, "null", "true", '""', '"1"', "[]", "{}", "[[1]]", '{"a":1}', "[null]", `${"[".repeat(5000)}${"]".repeat(5000)}`]; // biome-ignore format: a list
const oddNames = ["__proto__", "constructor", "toString", "__metadata__", "", "\\u0000", "\\ud800", "\\udc00\\ud800", "a", "ü", "x".repeat(3000), "a.b.c", "\\u0061"]; // biome-ignore format: a list
const oddDtypes = ["F32", "f32", "F128", "", "constructor", "__proto__", "F6_E3M2", "F8_E8M0", "F4", "U64"];

/** A safetensors file that was sound, and then was not: its header changed by meaning or by text, its length, its bytes. A few stay sound. */
export function safetensorsCase(draws: Draws): Buffer {
  let position = 0;
  const entries: string[] = [];
  const number = (sound: number) => (draws.below(25) === 0 ? draws.of(oddNumbers) : `${sound}`);
  const value = (sound: string) => (draws.below(30) === 0 ? draws.of(oddValues) : sound);
  if (draws.below(3) === 0) entries.push(`"__metadata__":${value(`{"format":${value('"pt"')}}`)}`);
  const count = draws.below(5);
  for (let i = 0; i < count; i++) {
    const dtype = draws.of(Object.keys(sizes) as (keyof typeof sizes)[]);
    const shape = Array.from({ length: draws.below(4) }, () => draws.of([0, 1, 2, 3, 4, 8]));
    const length = Math.floor((shape.reduce((a, b) => a * b, 1) * sizes[dtype]) / 8);
    const name = draws.below(20) === 0 ? draws.of(oddNames) : `layer.${i}`;
    const kind = draws.below(30) === 0 ? draws.of(oddDtypes) : dtype;
    const offsets = `[${number(position)},${number(position + length)}]`;
    const parts = [`"dtype":${value(JSON.stringify(kind))}`, `"shape":${value(`[${shape.map(number).join(",")}]`)}`, `"data_offsets":${value(offsets)}`]; // biome-ignore format: one thought
    if (draws.below(40) === 0) parts.splice(draws.below(3), 1);
    if (draws.below(40) === 0) parts.push(draws.of(parts));
    if (draws.below(40) === 0) parts.push('"more":[1,{"a":null}]');
    entries.push(`"${name}":${value(`{${parts.join(",")}}`)}`);
    if (draws.below(40) > 0) position += length;
  }
  if (draws.below(30) === 0 && entries.length > 0) entries.push(draws.of(entries));
  let header: Buffer = Buffer.from(`{${entries.join(",")}}${" ".repeat(draws.below(9))}`);
  if (draws.below(3) === 0) header = scratched(draws, header);
  const data = draws.bytes(Math.max(0, position + (draws.below(12) === 0 ? draws.of([-1, 1, 8, 1000]) : 0)));
  const length = Buffer.alloc(8);
  const lies = [0n, 1n, 7n, BigInt(header.length - 1), BigInt(header.length + 1), 99_999_999n, 100_000_001n, 2n ** 31n, 5_000_000_000n, 2n ** 63n, 2n ** 64n - 1n]; // biome-ignore format: a list
  length.writeBigUInt64LE(draws.below(10) === 0 ? draws.of(lies.filter((lie) => lie >= 0n)) : BigInt(header.length));
  const file = Buffer.concat([length, header, data]);
  if (draws.below(20) === 0) return draws.bytes(draws.below(64));
  return draws.below(10) === 0 ? file.subarray(0, draws.below(file.length + 1)) : file;
}

/** Pickle's opcodes, and bytes that mean much in a zip's directory. */
const heavy = [0x28, 0x29, 0x2e, 0x30, 0x32, 0x42, 0x43, 0x47, 0x4a, 0x4b, 0x4d, 0x51, 0x52, 0x58, 0x5d, 0x62, 0x63, 0x65, 0x68, 0x6a, 0x71, 0x72, 0x73, 0x74, 0x75, 0x7d, 0x80, 0x81, 0x85, 0x86, 0x87, 0x88, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x93, 0x94, 0x95, 0, 1, 0x7f, 0xff]; // biome-ignore format: a list

/** One of torch's files with a few changes: in its pickle, in its directory, anywhere; or cut. */
export function torchCase(draws: Draws, sound: Buffer): Buffer {
  const file = Buffer.from(sound);
  const pickle = file.indexOf("data.pkl") + 8;
  const directory = file.indexOf("PK\x01\x02");
  const changes = 1 + draws.below(4);
  for (let i = 0; i < changes; i++) {
    const [from, to] = draws.of([[pickle, Math.min(pickle + 1200, file.length)], [directory, file.length], [0, file.length]] as const); // biome-ignore format: a list
    const at = from + draws.below(to - from);
    const kind = draws.below(4);
    if (kind === 0) file[at] = draws.of(heavy);
    else if (kind === 1) file[at] ^= 1 << draws.below(8);
    else if (kind === 2) draws.bytes(4).copy(file, at);
    else Buffer.alloc(draws.of([2, 4, 8]), draws.of([0, 0xff, 0x7f])).copy(file, at);
  }
  return draws.below(12) === 0 ? file.subarray(0, draws.below(file.length)) : file;
}

/** Some bytes dropped, doubled, changed or put in. */
function scratched(draws: Draws, bytes: Buffer): Buffer {
  const at = draws.below(bytes.length + 1);
  const put = draws.of([Buffer.from(draws.of(['"', "{", "}", "[", "]", ",", ":", "\\", "9", "-", "e", "null"])), draws.bytes(draws.below(4)), bytes.subarray(at, at + draws.below(20))]); // biome-ignore format: a list
  return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + draws.below(4))]);
}
