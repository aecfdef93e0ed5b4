import { EtalonError } from "@etalon/errors";
import { Parser } from "pickleparser";
import yauzl from "yauzl";
import { badFile } from "./badFile.ts";
import { byteLength, bytesOf, type StoredTensor, viewAs } from "./dtype.ts";
import { readInto, readRange, withFile } from "./fileRange.ts";
import { checkFinite } from "./firstNotFinite.ts";
import { checkPart, type SafetensorsFile } from "./readSafetensors.ts";
import { TorchView, torchGlobal, torchStorage } from "./torchGlobals.ts";

/** Bounds of what is read before a tensor is asked for: the pickle's bytes, and the archive's members. */
const [maxPickle, maxMembers] = [2 ** 28, 1_000_000];
/** Elements that an expanded tensor (a stride of 0) may have beyond its storage's. */
const maxExpanded = 2 ** 22;

interface Member {
  begin: number;
  size: number;
}

/**
 * Opens a checkpoint that torch.save wrote (.bin, .pt, .pth: a zip archive since torch 1.6) without running anything: its pickle is read with a list of allowed names, every other global is an
 * error that names it. Names of nested dicts are joined by dots; a dict that holds nothing but `state_dict` beside plain values keeps that prefix. Tensors are read by range when asked
 * for, views of any strides, shared storages too. The members are stored uncompressed, as torch writes them; their CRCs are not checked, as torch.load does not.
 * @throws EtalonError NOT_FOUND: no such file; BAD_FILE: no such archive, a global that is not allowed, a storage that does not fit; UNSUPPORTED: torch's format before 1.6
 */
export async function readTorch(file: string): Promise<SafetensorsFile> {
  withFile(file, "a torch checkpoint", (descriptor, size) => {
    const head = readRange(file, descriptor, 0, Math.min(size, 4));
    if (Buffer.from(head).toString("latin1") === "PK\x03\x04") return;
    if (head[0] !== 0x80) throw badFile(file, "no zip archive", "what torch.save writes");
    throw new EtalonError("UNSUPPORTED", { argument: "file", value: file, allowed: "a zip archive, as torch.save writes since 1.6", hint: "Load it in torch and save it again, as safetensors best." }); // biome-ignore format: one thought
  });
  const members = await listMembers(file);
  const pickle = [...members.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickle === undefined) throw badFile(file, "an archive without data.pkl", "what torch.save writes");
  const root = pickle.slice(0, -"data.pkl".length);
  const bytes = (name: string) => {
    const { begin, size } = members.get(name) as Member;
    if (size > maxPickle) throw badFile(file, `${name} of ${size} bytes`, `at most ${maxPickle}`);
    return withFile(file, "a torch checkpoint", (descriptor) => readRange(file, descriptor, begin, size));
  };
  if (members.has(`${root}byteorder`) && Buffer.from(bytes(`${root}byteorder`)).toString() !== "little") {
    throw badFile(file, "numbers of another byte order", "little");
  }
  const script = bytes(pickle);
  const views = flatten(file, unpickle(file, script), script.length);
  for (const [name, view] of views) checkView(file, name, view, members.get(`${root}data/${view.storage.key}`));
  const find = (name: string): TorchView => {
    const view = views.get(name);
    if (view) return view;
    throw new EtalonError("NOT_FOUND", { argument: "tensor", value: name, allowed: `one of the ${views.size} names in ${file}` }); // biome-ignore format: one thought
  };
  return {
    names: [...views.keys()],
    metadata: {},
    info: (name) => {
      const { dtype, shape } = find(name);
      return { dtype, shape };
    },
    get: (name, { finite = false } = {}) => {
      const view = find(name);
      const tensor = readView(file, view, members.get(`${root}data/${view.storage.key}`)?.begin ?? 0);
      return finite ? checkFinite(file, name, tensor) : tensor;
    },
    readInto: (name, bytes, from = 0) => {
      const view = find(name);
      const begin = members.get(`${root}data/${view.storage.key}`)?.begin ?? 0;
      checkPart(name, bytes, from, byteLength(view.dtype, view.shape));
      if (bytes.length === 0) return;
      if (isInRow(view)) {
        const position = begin + view.offset * bytesOf(view.dtype) + from;
        withFile(file, "a torch checkpoint", (descriptor) => readInto(file, descriptor, position, bytes));
      } else {
        const { data } = readView(file, view, begin);
        bytes.set(new Uint8Array(data.buffer, data.byteOffset + from, bytes.length));
      }
    },
  };
}

/** The file for yauzl. Its own reader asks the system for positions that no file has, where a directory is corrupt, and then never answers. */
class Ranges extends yauzl.RandomAccessReader {
  readonly #file: string;
  readonly #size: number;

  constructor(file: string, size: number) {
    super();
    this.#file = file;
    this.#size = size;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null) => void,
  ): void {
    let failure: Error | null = null;
    try {
      if (!(position >= 0 && position + length <= this.#size)) throw badFile(this.#file, `a directory that points to byte ${position}`, `the ${this.#size} bytes there are`); // biome-ignore format: one thought
      buffer.set(withFile(this.#file, "a torch checkpoint", (descriptor) => readRange(this.#file, descriptor, position, length)), offset); // biome-ignore format: one thought
    } catch (error) {
      failure = error as Error;
    }
    setImmediate(done, failure);
  }
}

async function listMembers(file: string): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  let zip: yauzl.ZipFile | undefined;
  try {
    const size = withFile(file, "a torch checkpoint", (_, all) => all);
    zip = await yauzl.fromRandomAccessReaderPromise(new Ranges(file, size), size, {
      lazyEntries: true,
      autoClose: false,
      validateEntrySizes: true,
    });
    if (zip.entryCount > maxMembers) throw badFile(file, `${zip.entryCount} members`, `at most ${maxMembers}`);
    for await (const entry of zip.eachEntry()) {
      if (entry.compressionMethod !== 0 || entry.isEncrypted()) throw badFile(file, `${entry.fileName}, packed or encrypted`, "members stored as they are, as torch writes them"); // biome-ignore format: one thought
      const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
      members.set(entry.fileName, { begin: fileDataStart, size: entry.uncompressedSize });
    }
    return members;
  } catch (error) {
    throw asBadFile(file, error, "a zip archive that is whole");
  } finally {
    zip?.close();
  }
}

function unpickle(file: string, bytes: Uint8Array): unknown {
  try {
    const parser = new Parser({
      nameResolver: { resolve: (module, name) => torchGlobal(file, module, name) as () => unknown },
      persistentResolver: { resolve: (id: unknown) => torchStorage(file, id) },
      unpicklingTypeOfDictionary: "Map",
      unpicklingTypeOfSet: "Set",
    });
    return parser.parse(bytes);
  } catch (error) {
    throw asBadFile(file, error, "a pickle that torch.save wrote");
  }
}

/** Every tensor by its path. Dicts that are shared or hold themselves are walked along each path, to a bound: a pickle of so many bytes says no more values than that. */
function flatten(file: string, root: unknown, most: number): Map<string, TorchView> {
  const views = new Map<string, TorchView>();
  let walked = 0;
  const walk = (value: unknown, name: string, depth: number) => {
    if (++walked > most || depth > 32) throw badFile(file, "dicts without end", `${most} values, 32 levels`);
    if (value instanceof TorchView) {
      if (views.has(name)) throw badFile(file, `the name ${JSON.stringify(name)} twice`, "names that come once");
      views.set(name, value);
    } else if (value instanceof Map) {
      for (const [key, item] of value) walk(item, name === "" ? String(key) : `${name}.${String(key)}`, depth + 1);
    } else if (Array.isArray(value)) {
      for (const [i, item] of value.entries()) walk(item, name === "" ? String(i) : `${name}.${i}`, depth + 1);
    }
  };
  walk(root, "", 0);
  return views;
}

/** Whether a view's elements follow one another in its storage. */
function isInRow({ shape, strides }: TorchView): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/** Elements from the first to the last that a view reaches; 0 where it has none. */
function reach({ shape, strides }: TorchView): number {
  return shape.includes(0) ? 0 : shape.reduce((last, extent, i) => last + (extent - 1) * strides[i], 1);
}

function checkView(file: string, name: string, view: TorchView, member: Member | undefined): void {
  const tensor = `tensor ${JSON.stringify(name)}`;
  const bytes = bytesOf(view.dtype);
  const size = view.storage.count === 0 ? 0 : member?.size;
  if (size === undefined) throw badFile(file, `${tensor} in storage ${view.storage.key}, which is not there`, "storages of the archive"); // biome-ignore format: one thought
  const need = (view.offset + reach(view)) * bytes;
  if (reach(view) > 0 && need > size) throw badFile(file, `${tensor} to byte ${need} of its storage`, `${size} bytes there`); // biome-ignore format: one thought
  const elements = view.shape.reduce((a, b) => a * b, 1);
  if (elements > size / bytes + maxExpanded) throw badFile(file, `${tensor} of ${elements} elements`, `${maxExpanded} beyond its storage`); // biome-ignore format: one thought
}

/** Reads just the bytes that a view reaches, and puts its elements in a row where they are not. */
function readView(file: string, view: TorchView, storageBegin: number): StoredTensor {
  const { dtype, shape, strides, offset } = view;
  const size = bytesOf(dtype);
  const length = reach(view) * size;
  const bytes = length === 0 ? new Uint8Array(0) : withFile(file, "a torch checkpoint", (descriptor) => readRange(file, descriptor, storageBegin + offset * size, length)); // biome-ignore format: one thought
  if (length === 0 || isInRow(view)) return { dtype, shape, data: viewAs(dtype, bytes) };
  const source = viewAs(dtype, bytes);
  const target = viewAs(dtype, new Uint8Array(byteLength(dtype, shape)));
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0, from = 0; i < target.length; i++) {
    target[i] = source[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return { dtype, shape, data: target };
}

function asBadFile(file: string, error: unknown, allowed: string): EtalonError {
  if (EtalonError.is(error)) return error;
  return badFile(file, error instanceof Error ? error.message : String(error), allowed);
}
