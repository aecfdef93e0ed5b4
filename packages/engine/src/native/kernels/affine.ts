import { type Activation, inGemm } from "../../ops/activations.ts";
import type { Frame } from "./Frame.ts";
import { flatLayout } from "./layout.ts";

/** How a linear layer's adapters are weighed. Its tensors are `name`.w, `name`.b and, of adapter i, `name`.down`i` and `name`.up`i`. */
export type Scales = Readonly<Record<string, readonly number[]>>;

/** What goes into a linear layer: rows in one array, or in several whose columns stand side by side. */
export type Columns = Float32Array | readonly Float32Array[];

/** y = x·w + b + Σ scale·(x·down)·up (+ residual), of `rows` rows. */
export function affine(frame: Frame, name: string, scales: Scales, rows: number, x: Columns, y: Float32Array, residual?: Float32Array): void {
  const outputs = frame.shape(`${name}.w`)[1];
  const w = frame.values(`${name}.w`);
  for (const { data, width, first } of pieces(x, rows)) {
    const start = first === 0 ? { bias: frame.optional(`${name}.b`), residual } : { accumulate: true };
    frame.heavy.gemm({ a: data, b: w, bOffset: first * outputs, c: y, m: rows, n: outputs, k: width, ...start });
  }
  for (const [i, scale] of (scales[name] ?? []).entries()) {
    const rank = frame.shape(`${name}.down${i}`)[1];
    const low = lowered(frame, `${name}.down${i}`, scale, rows, x);
    frame.heavy.gemm({ a: low, b: frame.values(`${name}.up${i}`), c: y, m: rows, n: outputs, k: rank, accumulate: true });
  }
} // biome-ignore format: long lines

/** y = f(what `affine` gives); what went into f is put into `before`, where it is given. */
export function activatedAffine(
  frame: Frame,
  name: string,
  scales: Scales,
  rows: number,
  x: Float32Array,
  activation: Activation,
  y: Float32Array,
  before?: Float32Array,
): void {
  if (scales[name]?.length) {
    const sum = before ?? frame.scratch(y.length);
    affine(frame, name, scales, rows, x, sum);
    activate(frame, activation, sum, y);
    return;
  }
  const [inputs, outputs] = frame.shape(`${name}.w`);
  frame.heavy.gemm({ a: x, b: frame.values(`${name}.w`), c: y, m: rows, n: outputs, k: inputs, bias: frame.optional(`${name}.b`), activation: inGemm[activation], preactivation: before }); // biome-ignore format: one thought
}

/** y = f(x). */
export function activate(frame: Frame, activation: Activation, x: Float32Array, y: Float32Array): void {
  frame.light.unary(frame.backend.unary.get(functions[activation].unary) as number, x, y);
}

/** dy·f′(before): the gradient of what `activatedAffine` put into `before`. */
export function activationGradient(
  frame: Frame,
  activation: Activation,
  dy: Float32Array,
  before: Float32Array,
): Float32Array {
  const d = frame.scratch(dy.length);
  const operation = frame.backend.binary.get(functions[activation].gradient) as number;
  frame.light.binary(operation, dy, before, d, flatLayout(dy.length, 1, 1));
  return d;
}

/** Activations as the kernels of single elements name them. */
const functions = {
  silu: { unary: "silu", gradient: "siluGrad" },
  gelu: { unary: "gelu", gradient: "geluGrad" },
  "gelu-erf": { unary: "geluErf", gradient: "geluErfGrad" },
} as const;

/**
 * The gradients of `affine` that are asked for, from dy of `rows` rows.
 * @param x  made where it is needed only    @param dx  where x's gradient goes, in pieces as x    @param accumulate  whether it is added to what is there
 */
export function affineGradients(
  frame: Frame,
  name: string,
  scales: Scales,
  rows: number,
  dy: Float32Array,
  x: () => Columns,
  dx?: Columns,
  accumulate = false,
): void {
  const outputs = frame.shape(`${name}.w`)[1];
  const [dw, db] = [frame.gradient(`${name}.w`), frame.gradient(`${name}.b`)];
  let made: Columns | undefined;
  const input = () => {
    made ??= x();
    return made;
  };
  if (dx || dw || db) {
    const w = frame.values(`${name}.w`);
    for (const { data, dData, width, first } of gradientPieces(rows, dw && input(), dx, w.length / outputs)) {
      const of = (whole: Float32Array | undefined) => (first === 0 ? whole : whole?.subarray(first * outputs));
      frame.heavy.linearGradients({ rows, inputs: width, outputs, dy, x: data, w: of(w), dx: dData, accumulateDx: accumulate, dw: of(dw), db: first === 0 ? db : undefined }); // biome-ignore format: one thought
    }
  }
  for (const [i, scale] of (scales[name] ?? []).entries()) {
    const [downName, upName] = [`${name}.down${i}`, `${name}.up${i}`];
    const rank = frame.shape(downName)[1];
    const [down, up, dDown, dUp] = [frame.values(downName), frame.values(upName), frame.gradient(downName), frame.gradient(upName)]; // biome-ignore format: one thought
    if (dx || dDown) {
      const back = frame.scratch(rows * rank);
      frame.heavy.gemm({ a: dy, b: up, c: back, m: rows, n: rank, k: outputs, transposeB: true });
      if (scale !== 1) frame.heavy.scale([back], scale);
      for (const { data, dData, width, first } of gradientPieces(rows, dDown && input(), dx, down.length / rank)) {
        if (dData) frame.heavy.gemm({ a: back, b: down, bOffset: first * rank, c: dData, m: rows, n: width, k: rank, transposeB: true, accumulate: true }); // biome-ignore format: one thought
        if (dDown) frame.heavy.gemm({ a: data as Float32Array, b: back, c: dDown, cOffset: first * rank, m: width, n: rank, k: rows, transposeA: true }); // biome-ignore format: one thought
      }
    }
    if (dUp) frame.heavy.gemm({ a: lowered(frame, downName, scale, rows, input()), b: dy, c: dUp, m: rank, n: outputs, k: rows, transposeA: true }); // biome-ignore format: one thought
  }
}

/** scale·x·down. */
function lowered(frame: Frame, name: string, scale: number, rows: number, x: Columns): Float32Array {
  const rank = frame.shape(name)[1];
  const low = frame.scratch(rows * rank);
  const down = frame.values(name);
  for (const { data, width, first } of pieces(x, rows)) {
    frame.heavy.gemm({ a: data, b: down, bOffset: first * rank, c: low, m: rows, n: rank, k: width, accumulate: first > 0 }); // biome-ignore format: one thought
  }
  if (scale !== 1) frame.heavy.scale([low], scale);
  return low;
}

/** The arrays that hold x's columns, with the first of them. */
function pieces(x: Columns, rows: number): { data: Float32Array; width: number; first: number }[] {
  let first = 0;
  return (x instanceof Float32Array ? [x] : x).map((data) => {
    const width = data.length / rows;
    first += width;
    return { data, width, first: first - width };
  });
}

/** Pieces of x and of its gradient beside each other; of one that is not needed there is none. */
function gradientPieces(rows: number, x: Columns | undefined, dx: Columns | undefined, inputs: number) {
  const [of, dOf] = [x && pieces(x, rows), dx && pieces(dx, rows)];
  const whole = [{ data: undefined, width: inputs, first: 0 }];
  return (of ?? dOf ?? whole).map(({ width, first }, i) => ({
    data: of?.[i].data,
    dData: dOf?.[i].data,
    width,
    first,
  }));
}
