import { show } from "@etalon/errors";
import { badFile } from "./badFile.ts";
import { byteLength, type Dtype, dtypeBits } from "./dtype.ts";
import { scanJson } from "./scanJson.ts";

/** Where a tensor's bytes lie, counted from the end of the header. */
export interface HeaderEntry {
  dtype: Dtype;
  shape: readonly number[];
  begin: number;
  end: number;
}

export interface Header {
  entries: Map<string, HeaderEntry>;
  metadata: Record<string, string>;
}

/**
 * Checks the JSON header of a safetensors file against the format and against the number of bytes that follow it.
 * @throws EtalonError BAD_FILE: names the file and the tensor
 */
export function parseHeader(file: string, text: string, dataBytes: number): Header {
  const json = parseObject(file, text);
  const { twice, number } = scanJson(text);
  if (twice !== undefined) throw badFile(file, `the key ${show(twice)} twice`, "keys that come once");
  const metadata = parseMetadata(file, json);
  const entries = new Map(
    Object.entries(json)
      .filter(([name]) => name !== "__metadata__")
      .map(([name, value]) => [name, parseEntry(file, name, value)] as const)
      .sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end),
  );
  if (number !== undefined) throw badFile(file, `the number ${show(number)} in its header`, "whole numbers in digits");
  let position = 0;
  for (const [name, { begin, end }] of entries) {
    if (begin !== position)
      throw badFile(file, `tensor ${show(name)} begins at byte ${begin}`, `byte ${position}: no overlap, no hole`);
    position = end;
  }
  if (position !== dataBytes)
    throw badFile(file, `${dataBytes} bytes of data`, `the ${position} bytes that the header tells (a cut file?)`);
  return { entries, metadata };
}

function parseObject(file: string, text: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw badFile(file, "a header that is no JSON", "a JSON object (is this a safetensors file?)");
  }
  if (!isRecord(json)) throw badFile(file, "a header that is no JSON object", "a JSON object");
  const odd = Object.keys(json).find((name) => /\p{Surrogate}/u.test(name));
  if (odd !== undefined) throw badFile(file, `the name ${show(odd)}`, "names that are Unicode texts");
  return json;
}

function parseMetadata(file: string, json: Record<string, unknown>): Record<string, string> {
  const metadata = Object.hasOwn(json, "__metadata__") ? json.__metadata__ : {};
  if (!isRecord(metadata)) throw badFile(file, "__metadata__ of another form", "an object of texts");
  const odd = Object.entries(metadata).find(([, value]) => typeof value !== "string");
  if (odd) throw badFile(file, `__metadata__ with ${show(odd[1])} at ${show(odd[0])}`, "an object of texts");
  return metadata as Record<string, string>;
}

function parseEntry(file: string, name: string, value: unknown): HeaderEntry {
  const tensor = `tensor ${show(name)}`;
  if (!isRecord(value))
    throw badFile(file, `${tensor} without dtype, shape and data_offsets`, "an object with these three");
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(dtypeBits, dtype))
    throw badFile(file, `${tensor} of dtype ${show(dtype)}`, Object.keys(dtypeBits).join(", "));
  if (!isSizes(shape)) throw badFile(file, `${tensor} of shape ${show(shape)}`, "a list of whole numbers ≥ 0");
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[1] < offsets[0])
    throw badFile(file, `${tensor} at ${show(offsets)}`, "two offsets in order, whole numbers ≥ 0");
  const need = byteLength(dtype as Dtype, shape);
  if (need === Number.POSITIVE_INFINITY)
    throw badFile(file, `${tensor} of shape ${show(shape)}`, "a shape whose elements and bytes stay below 2^53");
  if (!Number.isInteger(need))
    throw badFile(file, `${tensor}, ${dtype} ${show(shape)}, of ${need} bytes`, "elements that fill whole bytes");
  const [begin, end] = offsets;
  if (end - begin !== need)
    throw badFile(file, `${tensor} with ${end - begin} bytes`, `${need} bytes for ${dtype} ${show(shape)}`);
  return { dtype: dtype as Dtype, shape, begin, end };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
