import type { LightArray } from "@etalon/native/tensor";
import type { DataType, TensorInfo } from "@tensorflow/tfjs";
import { tf } from "../../tf.ts";
import { isNumeric, type NativeBackend, sizeOf } from "../NativeBackend.ts";
import type { NumericType } from "../Pool.ts";
import { broadcastStrides, flatLayout, layout, mostAxes } from "./layout.ts";
import type { KernelCall, NativeKernel, NativeKernels } from "./NativeKernel.ts";

type Unary = NativeKernel<{ x: TensorInfo }, Record<string, number>>;
type Binary = NativeKernel<{ a: TensorInfo; b: TensorInfo }>;

const suffix: Record<NumericType, string> = { float32: "", int32: "_i32", bool: "_u8" };

/** f of every element. @param dtype  of the result; the operand's where left out */
export function applyUnary(
  backend: NativeBackend,
  name: string,
  x: TensorInfo,
  dtype: DataType = x.dtype,
  a = 0,
  b = 0,
): TensorInfo | undefined {
  if (!isNumeric(x.dtype) || !isNumeric(dtype)) return undefined;
  const operation = backend.unary.get(name + suffix[x.dtype]);
  if (operation === undefined) return undefined;
  const { info, values } = backend.output(x.shape, dtype);
  backend.kernels.unary(operation, backend.values(x, x.dtype), values, a, b);
  return info;
}

const unary =
  (name: string, dtype?: DataType): Unary =>
  ({ inputs: { x }, backend }) =>
    applyUnary(backend, name, x, dtype);

/** f of two operands, each broadcast to the other. */
export function applyBinary(
  backend: NativeBackend,
  name: string,
  a: TensorInfo,
  b: TensorInfo,
  dtype: DataType = a.dtype,
): TensorInfo | undefined {
  if (!isNumeric(a.dtype) || a.dtype !== b.dtype || !isNumeric(dtype)) return undefined;
  const operation = backend.binary.get(name + suffix[a.dtype]);
  if (operation === undefined) return undefined;
  const shape = tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
  if (shape.length > mostAxes) return undefined;
  const [left, right] = [backend.values(a, a.dtype), backend.values(b, b.dtype)];
  const { info, values } = backend.output(shape, dtype);
  backend.kernels.binary(operation, left, right, values, layoutOf(shape, a.shape, b.shape, left, right, values));
  return info;
}

function layoutOf(
  shape: number[],
  a: number[],
  b: number[],
  left: LightArray,
  right: LightArray,
  out: LightArray,
): Float64Array {
  const { length } = out;
  if (left.length === length && right.length === length) return flatLayout(length, 1, 1);
  if (left.length === length && right.length === 1) return flatLayout(length, 1, 0);
  if (right.length === length && left.length === 1) return flatLayout(length, 0, 1);
  return layout(shape, broadcastStrides(a, shape), broadcastStrides(b, shape));
}

const binary =
  (name: string, dtype?: DataType): Binary =>
  ({ inputs: { a, b }, backend }) =>
    applyBinary(backend, name, a, b, dtype);

/** tfjs's name of a kernel: ours. */
const unaries = {
  Abs: "abs", Neg: "neg", Square: "square", Sqrt: "sqrt", Rsqrt: "rsqrt", Reciprocal: "reciprocal", Relu: "relu", Relu6: "relu6", Sign: "sign",
  Floor: "floor", Ceil: "ceil", Round: "round", Exp: "exp", Expm1: "expm1", Log: "log", Log1p: "log1p", Sigmoid: "sigmoid", Tanh: "tanh", Erf: "erf",
  Softplus: "softplus", Elu: "elu", Selu: "selu", Sin: "sin", Cos: "cos", Tan: "tan", Asin: "asin", Acos: "acos", Atan: "atan", Sinh: "sinh", Cosh: "cosh",
  Asinh: "asinh", Acosh: "acosh", Atanh: "atanh",
}; // biome-ignore format: a table
const binaries = {
  Add: "add", Sub: "sub", Multiply: "mul", RealDiv: "div", Maximum: "maximum", Minimum: "minimum", Mod: "mod", Pow: "pow",
  Atan2: "atan2", SquaredDifference: "squaredDifference",
}; // biome-ignore format: a table
const predicates = { IsNan: "isNan", IsInf: "isInf", IsFinite: "isFinite" };
const comparisons = {
  Equal: "equal", NotEqual: "notEqual", Less: "less", LessEqual: "lessEqual", Greater: "greater", GreaterEqual: "greaterEqual", LogicalAnd: "and",
  LogicalOr: "or",
}; // biome-ignore format: a table

const each = <K>(table: Record<string, string>, make: (name: string) => K): Record<string, K> =>
  Object.fromEntries(Object.entries(table).map(([kernel, name]) => [kernel, make(name)]));

const casts: Record<string, string> = { float32: "toFloat", int32: "toInt", bool: "toBool" };

function cast({ inputs: { x }, attrs: { dtype }, backend }: KernelCall<{ x: TensorInfo }, { dtype: DataType }>) {
  if (x.dtype === dtype && isNumeric(dtype)) return backend.share(x, x.shape);
  return casts[dtype] && applyUnary(backend, casts[dtype], x, dtype);
}

function select({
  inputs: { condition, t, e },
  backend,
}: KernelCall<{ condition: TensorInfo; t: TensorInfo; e: TensorInfo }, unknown>) {
  if (!isNumeric(t.dtype) || t.dtype !== e.dtype || condition.dtype !== "bool") return undefined;
  const size = sizeOf(t.shape);
  const choices = sizeOf(condition.shape);
  if (sizeOf(e.shape) !== size || choices === 0 || size % choices !== 0) return undefined;
  const { info, values } = backend.output(t.shape, t.dtype);
  const [yes, no] = [backend.values(t, t.dtype), backend.values(e, t.dtype)];
  backend.kernels.select(backend.values(condition, "bool"), size / choices, yes, no, values);
  return info;
}

interface Fill {
  shape: number[];
  value: number;
  dtype?: DataType;
}

/** A tensor of one value. */
export function filled(backend: NativeBackend, shape: number[], dtype: NumericType, value: number): TensorInfo {
  const { info, values } = backend.output(shape, dtype);
  backend.kernels.fill(values, value);
  return info;
}

function fill({ attrs: { shape, value, dtype }, backend }: KernelCall<unknown, Fill>) {
  const type = dtype ?? tf.util.inferDtype(value);
  return isNumeric(type) ? filled(backend, shape, type, Number(value)) : undefined;
}

const like =
  (value: number): Unary =>
  ({ inputs: { x }, backend }) =>
    isNumeric(x.dtype) ? filled(backend, x.shape, x.dtype, value) : undefined;

/** Elementwise kernels: of one operand, of two with broadcasting, casts, choices, fills. */
export const elementwise = {
  ...each<Unary>(unaries, (name) => unary(name)),
  ...each<Unary>(predicates, (name) => unary(name, "bool")),
  ...each<Binary>(binaries, (name) => binary(name)),
  ...each<Binary>(comparisons, (name) => binary(name, "bool")),
  LogicalNot: unary("not", "bool"),
  FloorDiv: binary("floorDiv", "int32"),
  LeakyRelu: ({ inputs, attrs, backend }: Parameters<Unary>[0]) => applyUnary(backend, "leakyRelu", inputs.x, undefined, attrs.alpha),
  Step: ({ inputs, attrs, backend }: Parameters<Unary>[0]) => applyUnary(backend, "step", inputs.x, undefined, attrs.alpha),
  ClipByValue: ({ inputs, attrs, backend }: Parameters<Unary>[0]) =>
    applyUnary(backend, "clip", inputs.x, undefined, attrs.clipValueMin, attrs.clipValueMax),
  Prelu: ({ inputs: { x, alpha }, backend }: KernelCall<{ x: TensorInfo; alpha: TensorInfo }, unknown>) => applyBinary(backend, "prelu", x, alpha),
  EluGrad: ({ inputs: { dy, y }, backend }: KernelCall<{ dy: TensorInfo; y: TensorInfo }, unknown>) => applyBinary(backend, "eluGrad", dy, y),
  Cast: cast,
  Select: select,
  Fill: fill,
  ZerosLike: like(0),
  OnesLike: like(1),
} as NativeKernels; // biome-ignore format: a table
