import { check, EtalonError } from "@etalon/errors";
import writeFileAtomic from "write-file-atomic";
import { type Dtype, dtypeBytes, fitsDtype, type StoredTensor } from "./dtype.ts";
import { byteLength, isSizes } from "./header.ts";
import { isSynced } from "./unsynced.ts";

/**
 * Writes tensors as a safetensors file: whole or not at all (a temporary file, fsync (but within `unsynced`), rename). The same tensors give the same bytes: they lie in the order of their
 * dtypes, widest first, then of their names, and the header is padded to 8 bytes: byte for byte what the reference writer gives.
 * @param tensors  by name; `data` holds as many elements as `shape` tells, in the typed array of its dtype
 * @param metadata  texts for `__metadata__`
 * @throws EtalonError BAD_SHAPE, BAD_TYPE: nothing is written; IO: the system refused (a full disk), and an older file of that name stands as it was
 */
export function writeSafetensors(
  file: string,
  tensors: Record<string, StoredTensor>,
  metadata?: Record<string, string>,
): void {
  for (const [name, tensor] of Object.entries(tensors)) checkTensor(name, tensor);
  const names = Object.keys(tensors).sort((a, b) => rank(tensors[b]) - rank(tensors[a]) || (a < b ? -1 : 1));
  const header: Record<string, unknown> = Object.create(null); // so that "__proto__" is a name like any other
  if (metadata !== undefined) header.__metadata__ = checkMetadata(metadata);
  let position = 0;
  for (const name of names) {
    const { dtype, shape, data } = tensors[name];
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
    writeFileAtomic.sync(file, Buffer.concat([length, padded, ...parts]), { fsync: isSynced() });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EtalonError(
      "IO",
      { argument: "file", value: file, allowed: "a file that can be written", hint: `${why}.` },
      { cause },
    );
  }
}

const order = Object.keys(dtypeBytes);
const rank = ({ dtype }: StoredTensor): number => order.indexOf(dtype);

function checkMetadata(metadata: Record<string, string>): Record<string, string> {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string") {
      throw new EtalonError("BAD_TYPE", { argument: `metadata.${key}`, value, allowed: "a text" });
    }
  }
  return metadata;
}

function checkTensor(name: string, { dtype, shape, data }: StoredTensor): void {
  if (name === "__metadata__")
    throw new EtalonError("OUT_OF_RANGE", { argument: "name", value: name, allowed: "any other text" });
  const argument = `data of ${name}`;
  check.oneOf(`dtype of ${name}`, dtype, order as Dtype[], "BAD_TYPE");
  if (!fitsDtype(dtype, data)) {
    throw new EtalonError("BAD_TYPE", { argument, value: data, allowed: `the typed array that holds ${dtype}` });
  }
  if (!isSizes(shape)) {
    const allowed = "a list of whole numbers ≥ 0";
    throw new EtalonError("BAD_SHAPE", { argument: `shape of ${name}`, value: shape, allowed });
  }
  if (byteLength(dtype, shape) !== data.byteLength) {
    const allowed = `as many elements as the shape [${shape}] tells`;
    throw new EtalonError("BAD_SHAPE", { argument, value: data, allowed });
  }
}
