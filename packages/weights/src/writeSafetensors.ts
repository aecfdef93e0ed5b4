import { check, EtalonError } from "@etalon/errors";
import { byteLength, type Dtype, dtypeBits, fitsDtype, type StoredTensor, type TensorData } from "./dtype.ts";
import { isSizes } from "./header.ts";
import { writeAtomically } from "./writeAtomically.ts";

/** A tensor to be written: its data, or a function that gives them when their turn comes, so that not all have to be in memory. */
export interface GivenTensor extends Omit<StoredTensor, "data"> {
  data: TensorData | (() => TensorData);
}

/**
 * Writes tensors as a safetensors file, one after another: whole or not at all (a file beside it, flushed, but within `unsynced`, renamed, its folder flushed). The same tensors give the same bytes: they lie in
 * the order of their dtypes, widest first, then of their names, and the header is padded to 8 bytes: byte for byte what the reference writer gives.
 * @param tensors  by name; `data` holds as many elements as `shape` tells, in the typed array of its dtype, or is a function that gives them: called once, in the file's order
 * @param metadata  texts for `__metadata__`
 * @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE: nothing is written; IO: the system refused (a full disk). An older file of that name stands as it was
 */
export function writeSafetensors(
  file: string,
  tensors: Record<string, GivenTensor>,
  metadata?: Record<string, string>,
): void {
  for (const [name, tensor] of Object.entries(tensors)) checkTensor(name, tensor);
  const names = Object.keys(tensors).sort((a, b) => rank(tensors[b]) - rank(tensors[a]) || (a < b ? -1 : 1));
  const header: Record<string, unknown> = Object.create(null); // so that "__proto__" is a name like any other
  if (metadata !== undefined) header.__metadata__ = checkMetadata(metadata);
  let position = 0;
  for (const name of names) {
    const { dtype, shape } = tensors[name];
    const begin = position;
    position += byteLength(dtype, shape);
    header[name] = { dtype, shape, data_offsets: [begin, position] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  head.writeBigUInt64LE(BigInt(head.length - 8));
  json.copy(head, 8);
  writeAtomically(file, (write) => {
    write(head);
    for (const name of names) {
      const { data } = tensors[name];
      const values = typeof data === "function" ? data() : data;
      if (values !== data) checkData(name, tensors[name], values);
      write(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  });
}

const order = Object.keys(dtypeBits);
const rank = ({ dtype }: GivenTensor): number => order.indexOf(dtype);

function checkMetadata(metadata: Record<string, string>): Record<string, string> {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string") {
      throw new EtalonError("BAD_TYPE", { argument: `metadata.${key}`, value, allowed: "a text" });
    }
  }
  return metadata;
}

function checkTensor(name: string, tensor: GivenTensor): void {
  const { dtype, shape, data } = tensor;
  if (name === "__metadata__" || /\p{Surrogate}/u.test(name))
    throw new EtalonError("OUT_OF_RANGE", { argument: "name", value: name, allowed: "any other text" });
  check.oneOf(`dtype of ${name}`, dtype, order as Dtype[], "BAD_TYPE");
  if (!isSizes(shape)) {
    const allowed = "a list of whole numbers ≥ 0";
    throw new EtalonError("BAD_SHAPE", { argument: `shape of ${name}`, value: shape, allowed });
  }
  const bytes = byteLength(dtype, shape);
  if (!Number.isSafeInteger(bytes)) {
    const allowed = `one whose ${dtype} elements fill whole bytes, below 2^53`;
    throw new EtalonError("BAD_SHAPE", { argument: `shape of ${name}`, value: shape, allowed });
  }
  if (typeof data !== "function") checkData(name, tensor, data);
}

function checkData(name: string, { dtype, shape }: GivenTensor, data: TensorData): void {
  const argument = `data of ${name}`;
  if (!fitsDtype(dtype, data)) {
    throw new EtalonError("BAD_TYPE", { argument, value: data, allowed: `the typed array that holds ${dtype}` });
  }
  if (byteLength(dtype, shape) !== data.byteLength) {
    const allowed = `as many elements as the shape [${shape}] tells`;
    throw new EtalonError("BAD_SHAPE", { argument, value: data, allowed });
  }
}
