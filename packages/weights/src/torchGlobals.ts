import { badFile } from "./badFile.ts";
import type { Dtype } from "./dtype.ts";

/** A storage of a torch checkpoint: its member of the archive, the type of its elements (undefined: untyped bytes) and how many there are. */
export interface TorchStorage {
  key: string;
  dtype: Dtype | undefined;
  count: number;
}

/** A tensor of a torch checkpoint: a view of a storage; offset and strides in elements. */
export class TorchView {
  readonly storage: TorchStorage;
  readonly dtype: Dtype;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(
    storage: TorchStorage,
    dtype: Dtype,
    offset: number,
    shape: readonly number[],
    strides: readonly number[],
  ) {
    this.storage = storage;
    this.dtype = dtype;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

const storages: Readonly<Record<string, Dtype>> = {
  FloatStorage: "F32", DoubleStorage: "F64", HalfStorage: "F16", BFloat16Storage: "BF16", LongStorage: "I64", IntStorage: "I32",
  ShortStorage: "I16", CharStorage: "I8", ByteStorage: "U8", BoolStorage: "BOOL",
}; // biome-ignore format: a table

/** Names of dtypes that torch pickles as globals. */
const dtypes: Readonly<Record<string, Dtype>> = {
  uint16: "U16", uint32: "U32", uint64: "U64", float8_e5m2: "F8_E5M2", float8_e4m3fn: "F8_E4M3", float8_e8m0fnu: "F8_E8M0", float8_e4m3fnuz: "F8_E4M3FNUZ", float8_e5m2fnuz: "F8_E5M2FNUZ",
}; // biome-ignore format: a table

type Maker = (...args: unknown[]) => unknown;

/** What a checkpoint may name, by "module name": functions of ours that make plain values. Nothing of Python's or JavaScript's can be reached through them. */
const allowed: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  ["collections OrderedDict", () => new Map()],
  ["torch Size", (sizes) => sizes],
  ["torch device", (name) => name],
  ["torch._utils _rebuild_tensor", rebuild],
  ["torch._utils _rebuild_tensor_v2", rebuild],
  ["torch._utils _rebuild_tensor_v3", (storage, offset, shape, strides, _grad, _hooks, dtype) => rebuild({ ...(storage as TorchStorage), dtype: dtypeOf(dtype) }, offset, shape, strides)],
  ["torch._utils _rebuild_parameter", (tensor) => tensor],
  ["torch._utils _rebuild_parameter_with_state", (tensor) => tensor],
]); // biome-ignore format: a table

/** A type named in a checkpoint: never called, only compared. */
class TorchType {
  readonly dtype: Dtype | undefined;

  constructor(dtype: Dtype | undefined) {
    this.dtype = dtype;
  }
}

/** Gives what a checkpoint's global stands for. @throws EtalonError BAD_FILE: one that is not on the list, by its name */
export function torchGlobal(file: string, module: string, name: string): unknown {
  const maker = allowed.get(`${module} ${name}`);
  if (maker) return Object.freeze((...args: unknown[]) => maker(...args));
  if (module === "torch" && Object.hasOwn(storages, name)) return Object.freeze(new TorchType(storages[name]));
  if (module === "torch" && Object.hasOwn(dtypes, name)) return Object.freeze(new TorchType(dtypes[name]));
  if (module === "torch.storage" && name === "UntypedStorage") return Object.freeze(new TorchType(undefined));
  const names = [...allowed.keys()].map((key) => key.replace(" ", ".")).join(", ");
  throw badFile(file, `the global ${module}.${name}`, `tensors and plain containers (${names}, storages)`);
}

/** The storage that a persistent id names: ('storage', type, key, device, count). @throws EtalonError BAD_FILE */
export function torchStorage(file: string, id: unknown): TorchStorage {
  if (Array.isArray(id) && id[0] === "storage" && id[1] instanceof TorchType) {
    const [, { dtype }, key, , count] = id as [string, TorchType, unknown, unknown, unknown];
    if (typeof key === "string" && isSize(count)) return { key, dtype, count };
  }
  throw badFile(file, "a persistent id of another form", "storages");
}

function rebuild(storage: unknown, offset: unknown, shape: unknown, strides: unknown): TorchView {
  const { dtype } = storage as TorchStorage;
  const fits = isSize(offset) && isSizes(shape) && isSizes(strides) && shape.length === strides.length;
  if (dtype === undefined || !fits) throw new TypeError("a tensor whose offset, sizes and strides do not fit");
  return new TorchView(storage as TorchStorage, dtype, offset, shape, strides);
}

function dtypeOf(type: unknown): Dtype | undefined {
  if (type instanceof TorchType) return type.dtype;
  throw new TypeError("a tensor without a dtype");
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isSizes = (value: unknown): value is number[] => Array.isArray(value) && value.every(isSize);
