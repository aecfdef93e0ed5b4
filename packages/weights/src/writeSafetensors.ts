import { EtalonError } from "@etalon/errors";
import writeFileAtomic from "write-file-atomic";
import { fitsDtype, type StoredTensor } from "./dtype.ts";
import { byteLength } from "./header.ts";

/**
 * Writes tensors as a safetensors file: whole or not at all (a temporary file, fsync, rename). The same tensors give the same bytes: they lie in the order of their
 * alignment, then of their names, and the header is padded to 8 bytes, as the reference writer does.
 * @param tensors  by name; `data` holds as many elements as `shape` tells, in the typed array of its dtype
 * @param metadata  texts for `__metadata__`
 * @throws EtalonError BAD_SHAPE, BAD_TYPE: nothing is written; IO: the system refused (a full disk), and an older file of that name stands as it was
 */
export function writeSafetensors(
  file: string,
  tensors: Record<string, StoredTensor>,
  metadata?: Record<string, string>,
): void {
  const names = Object.keys(tensors).sort((a, b) => width(tensors[b]) - width(tensors[a]) || (a < b ? -1 : 1));
  const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata };
  let position = 0;
  for (const name of names) {
    const { dtype, shape, data } = checked(name, tensors[name]);
    header[name] = { dtype, shape, data_offsets: [position, position + data.byteLength] };
    position += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, " ");
  json.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const parts = names.map((name) => {
    const { data } = tensors[name];
    return Buffer.from(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  });
  try {
    writeFileAtomic.sync(file, Buffer.concat([length, padded, ...parts]));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EtalonError(
      "IO",
      { argument: "file", value: file, allowed: "a file that can be written", hint: `${why}.` },
      { cause },
    );
  }
}

const width = ({ data }: StoredTensor): number => data.BYTES_PER_ELEMENT;

function checked(name: string, tensor: StoredTensor): StoredTensor {
  const { dtype, shape, data } = tensor;
  if (name === "__metadata__")
    throw new EtalonError("OUT_OF_RANGE", { argument: "name", value: name, allowed: "any other text" });
  if (!fitsDtype(dtype, data)) {
    throw new EtalonError("BAD_TYPE", {
      argument: `data of ${name}`,
      value: data,
      allowed: `the typed array that holds ${dtype}`,
    });
  }
  if (byteLength(dtype, shape) !== data.byteLength) {
    throw new EtalonError("BAD_SHAPE", {
      argument: `data of ${name}`,
      value: data,
      allowed: `as many elements as the shape [${shape}] tells`,
    });
  }
  return tensor;
}
