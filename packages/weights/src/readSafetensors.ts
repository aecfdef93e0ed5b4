import { check, EtalonError } from "@etalon/errors";
import { badFile } from "./badFile.ts";
import { type Dtype, type StoredTensor, viewAs } from "./dtype.ts";
import { readInto, readRange, withFile } from "./fileRange.ts";
import { checkFinite } from "./firstNotFinite.ts";
import { type HeaderEntry, parseHeader } from "./header.ts";

/** The reference reader's bound on the JSON header, in bytes. */
const maxHeader = 100_000_000;

/** How a tensor is read. */
export interface GetOptions {
  /** Whether a float tensor that holds NaN or infinity is refused, naming the first element. Default false: it is read as it is. */
  finite?: boolean;
}

/** An opened file of tensors, safetensors or torch's: its names, its metadata, and its tensors read one at a time when asked for. */
export interface SafetensorsFile {
  /** Tensor names in the order of their bytes. */
  readonly names: readonly string[];
  /** The `__metadata__` texts; empty where there are none. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Shape and dtype of a tensor, without reading it. */
  info(name: string): { dtype: Dtype; shape: readonly number[] };
  /**
   * Reads one tensor into memory of its own.
   * @throws EtalonError NOT_FOUND: no such name; BAD_FILE: the file changed or can't be read, or is not finite and has to be
   */
  get(name: string, options?: GetOptions): StoredTensor;
  /**
   * Reads a part of a tensor, as many bytes as `bytes` has from byte `from` of the tensor, straight into that memory: no copy in between.
   * @throws EtalonError NOT_FOUND; OUT_OF_RANGE: the part leaves the tensor, nothing is read then; BAD_FILE
   */
  readInto(name: string, bytes: Uint8Array, from?: number): void;
}

/**
 * Reads the header of a safetensors file and checks it whole: its size, JSON, dtypes, shapes, and that the tensors' bytes follow one another without overlap or
 * hole to just the end of the file. Tensors are read by range when `get` asks for them: never more than one copy.
 * Source: the format's specification, github.com/huggingface/safetensors.
 * @throws EtalonError NOT_FOUND: no such file; BAD_FILE: anything that does not fit the format, with the tensor's name
 */
export function readSafetensors(file: string): SafetensorsFile {
  const { entries, metadata, start } = withFile(file, "a safetensors file", (descriptor, size) => {
    if (size < 8) throw badFile(file, `${size} bytes`, "at least the 8 bytes of the header's length");
    const head = readRange(file, descriptor, 0, Math.min(size, 9));
    const length = new DataView(head.buffer).getBigUint64(0, true);
    if (length > BigInt(Math.min(maxHeader, size - 8))) {
      throw badFile(file, `a header of ${length} bytes`, `at most ${Math.min(maxHeader, size - 8)} bytes here`);
    }
    if (length > 0n && head[8] !== 0x7b) throw badFile(file, `a header that begins with byte ${head[8]}`, 'one that begins with "{" (is this a safetensors file?)'); // biome-ignore format: one thought
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
    get(name, { finite = false } = {}) {
      const { dtype, shape, begin, end } = find(name);
      const bytes = withFile(file, "a safetensors file", (descriptor) =>
        readRange(file, descriptor, start + begin, end - begin),
      );
      const tensor = { dtype, shape, data: viewAs(dtype, bytes) };
      return finite ? checkFinite(file, name, tensor) : tensor;
    },
    readInto(name, bytes, from = 0) {
      const { begin, end } = find(name);
      checkPart(name, bytes, from, end - begin);
      withFile(file, "a safetensors file", (descriptor) => readInto(file, descriptor, start + begin + from, bytes));
    },
  };
}

/** That a part lies within a tensor of `length` bytes. @throws EtalonError OUT_OF_RANGE */
export function checkPart(name: string, bytes: Uint8Array, from: number, length: number): void {
  check.range(`from, a byte of ${name}`, from, { min: 0, max: length - bytes.length, integer: true });
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw badFile(file, "a header that is no UTF-8", "a JSON object in UTF-8 (is this a safetensors file?)");
  }
}
