import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { EtalonError } from "@etalon/errors";
import { badFile } from "./badFile.ts";
import { type Dtype, type StoredTensor, viewAs } from "./dtype.ts";
import { type HeaderEntry, parseHeader } from "./header.ts";

/** The reference reader's bound on the JSON header, in bytes. */
const maxHeader = 100_000_000;

/** What one call reads at most, in bytes: the system takes no more than 2^31 − 1. */
const maxRead = 2 ** 30;

/** An opened safetensors file: its names, its metadata, and its tensors read one at a time when asked for. */
export interface SafetensorsFile {
  /** Tensor names in the order of their bytes. */
  readonly names: readonly string[];
  /** The `__metadata__` texts; empty where there are none. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Shape and dtype of a tensor, without reading it. */
  info(name: string): { dtype: Dtype; shape: readonly number[] };
  /** Reads one tensor into memory of its own. @throws EtalonError NOT_FOUND: no such name; BAD_FILE: the file changed or can't be read */
  get(name: string): StoredTensor;
}

/**
 * Reads the header of a safetensors file and checks it whole: its size, JSON, dtypes, shapes, and that the tensors' bytes follow one another without overlap or
 * hole to just the end of the file. Tensors are read by range when `get` asks for them: never more than one copy.
 * Source: the format's specification, github.com/huggingface/safetensors.
 * @throws EtalonError NOT_FOUND: no such file; BAD_FILE: anything that does not fit the format, with the tensor's name
 */
export function readSafetensors(file: string): SafetensorsFile {
  const { entries, metadata, start } = withFile(file, (descriptor, size) => {
    if (size < 8) throw badFile(file, `${size} bytes`, "at least the 8 bytes of the header's length");
    const length = new DataView(readRange(file, descriptor, 0, 8).buffer).getBigUint64(0, true);
    if (length > BigInt(Math.min(maxHeader, size - 8))) {
      throw badFile(file, `a header of ${length} bytes`, `at most ${Math.min(maxHeader, size - 8)} bytes here`);
    }
    const start = 8 + Number(length);
    return { ...parseHeader(file, decode(file, readRange(file, descriptor, 8, Number(length))), size - start), start };
  });
  const find = (name: string): HeaderEntry => {
    const entry = entries.get(name);
    if (entry) return entry;
    throw new EtalonError("NOT_FOUND", {
      argument: "tensor",
      value: name,
      allowed: `one of the ${entries.size} names in ${file}`,
    });
  };
  return {
    names: [...entries.keys()],
    metadata,
    info: (name) => {
      const { dtype, shape } = find(name);
      return { dtype, shape };
    },
    get(name) {
      const { dtype, shape, begin, end } = find(name);
      const bytes = withFile(file, (descriptor) => readRange(file, descriptor, start + begin, end - begin));
      return { dtype, shape, data: viewAs(dtype, bytes) };
    },
  };
}

function withFile<T>(file: string, use: (descriptor: number, size: number) => T): T {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (cause) {
    const detail = { argument: "file", value: file, allowed: "a safetensors file that can be read" };
    throw new EtalonError("NOT_FOUND", detail, { cause });
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw badFile(file, "no regular file", "a safetensors file");
    return use(descriptor, stat.size);
  } finally {
    closeSync(descriptor);
  }
}

/** Just `length` bytes from `position`, in memory of their own that begins at a multiple of 8. */
function readRange(file: string, descriptor: number, position: number, length: number): Uint8Array {
  try {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const got = readSync(descriptor, bytes, done, Math.min(length - done, maxRead), position + done);
      if (got === 0) throw badFile(file, `cut at byte ${position + done}`, `${length} bytes from ${position}`);
      done += got;
    }
    return bytes;
  } catch (error) {
    if (EtalonError.is(error)) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw badFile(file, `${why} at byte ${position}`, `${length} bytes that can be read into memory`);
  }
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw badFile(file, "a header that is no UTF-8", "a JSON object in UTF-8 (is this a safetensors file?)");
  }
}
