import { crc32 } from "node:zlib";
import { EtalonError } from "@etalon/errors";

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Texts in a PNG by their keywords: its tEXt chunks (PNG specification, 11.3.4.3). */
export const pngText = {
  /** A PNG with a text added, in a chunk behind the header. @param text  Latin-1 @throws EtalonError BAD_FILE: no PNG; OUT_OF_RANGE: a keyword or text that cannot stand there */
  add(png: Uint8Array, keyword: string, text: string): Buffer {
    const [header] = chunks(png);
    if (!/^[\x21-\x7e](?:[\x20-\x7e]{0,77}[\x21-\x7e])?$/.test(keyword)) throw new EtalonError("OUT_OF_RANGE", { argument: "keyword", value: keyword, allowed: "1 to 79 signs" }); // biome-ignore format: one thought
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the one sign that ends a text
    if (/[^\x01-\xff]/.test(text)) throw new EtalonError("OUT_OF_RANGE", { argument: "text", value: text, allowed: "Latin-1 signs, none of them zero" }); // biome-ignore format: one thought
    const data = Buffer.from(`tEXt${keyword}\0${text}`, "latin1");
    const chunk = Buffer.alloc(data.length + 8);
    chunk.writeUInt32BE(data.length - 4);
    data.copy(chunk, 4);
    chunk.writeUInt32BE(crc32(data), data.length + 4);
    return Buffer.concat([png.subarray(0, header.end), chunk, png.subarray(header.end)]);
  },

  /** All texts of a PNG. @param place  the file's name, for errors @throws EtalonError BAD_FILE: no PNG, or one that was cut or damaged */
  read(png: Uint8Array, place = "image"): Map<string, string> {
    const texts = chunks(png, place).flatMap(({ type, data }) => {
      const end = data.indexOf(0);
      return type === "tEXt" && end > 0 ? [[latin1(data.subarray(0, end)), latin1(data.subarray(end + 1))] as const] : [];
    });
    return new Map(texts);
  },
} as const; // biome-ignore format: long lines

interface Chunk {
  type: string;
  data: Uint8Array;
  /** Where the next one begins. */
  end: number;
}

function chunks(png: Uint8Array, place = "image"): Chunk[] {
  const bad = (what: string) => new EtalonError("BAD_FILE", { argument: place, value: what, allowed: "a whole PNG" }, { message: `${place}: ${what}; allowed: a whole PNG.` }); // biome-ignore format: one thought
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  if (!bytes.subarray(0, 8).equals(signature)) throw bad("no PNG's beginning");
  const found: Chunk[] = [];
  for (let at = 8; found.at(-1)?.type !== "IEND"; ) {
    if (at + 12 > bytes.length) throw bad("cut short");
    const end = at + 12 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw bad("cut short");
    const type = latin1(bytes.subarray(at + 4, at + 8));
    if (crc32(bytes.subarray(at + 4, end - 4)) !== bytes.readUInt32BE(end - 4)) throw bad(`a damaged ${type} chunk`);
    found.push({ type, data: bytes.subarray(at + 8, end - 4), end });
    at = end;
  }
  return found;
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
