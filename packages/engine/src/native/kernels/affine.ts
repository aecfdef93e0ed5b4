import type { Frame } from "./Frame.ts";

/** How a linear layer's adapters are weighed. Its tensors are `name`.w, `name`.b and, of adapter i, `name`.down`i` and `name`.up`i`. */
export type Scales = Readonly<Record<string, readonly number[]>>;

/** y = x·w + b + Σ scale·(x·down)·up (+ residual), of `rows` rows. */
export function affine(frame: Frame, name: string, scales: Scales, rows: number, x: Float32Array, y: Float32Array, residual?: Float32Array): void {
  const [inputs, outputs] = frame.shape(`${name}.w`);
  const { heavy } = frame;
  heavy.gemm({ a: x, b: frame.values(`${name}.w`), c: y, m: rows, n: outputs, k: inputs, bias: frame.optional(`${name}.b`), residual });
  for (const [i, scale] of (scales[name] ?? []).entries()) {
    const rank = frame.shape(`${name}.down${i}`)[1];
    const low = lowered(frame, `${name}.down${i}`, scale, rows, x);
    heavy.gemm({ a: low, b: frame.values(`${name}.up${i}`), c: y, m: rows, n: outputs, k: rank, accumulate: true });
  }
} // biome-ignore format: long lines

/**
 * The gradients of `affine` that are asked for, from dy of `rows` rows.
 * @param x  made where it is needed only    @param dx  where x's gradient goes    @param accumulate  whether it is added to what is there
 */
export function affineGradients(
  frame: Frame,
  name: string,
  scales: Scales,
  rows: number,
  dy: Float32Array,
  x: () => Float32Array,
  dx?: Float32Array,
  accumulate = false,
): void {
  const [inputs, outputs] = frame.shape(`${name}.w`);
  const { heavy } = frame;
  const [dw, db] = [frame.gradient(`${name}.w`), frame.gradient(`${name}.b`)];
  let made: Float32Array | undefined;
  const input = () => {
    made ??= x();
    return made;
  };
  if (dx || dw || db) heavy.linearGradients({ rows, inputs, outputs, dy, x: dw && input(), w: frame.values(`${name}.w`), dx, accumulateDx: accumulate, dw, db }); // biome-ignore format: one thought
  for (const [i, scale] of (scales[name] ?? []).entries()) {
    const [downName, upName] = [`${name}.down${i}`, `${name}.up${i}`];
    const rank = frame.shape(downName)[1];
    const [down, up, dDown, dUp] = [frame.values(downName), frame.values(upName), frame.gradient(downName), frame.gradient(upName)]; // biome-ignore format: one thought
    if (dx || dDown) {
      const back = frame.scratch(rows * rank);
      heavy.gemm({ a: dy, b: up, c: back, m: rows, n: rank, k: outputs, transposeB: true });
      if (scale !== 1) heavy.scale([back], scale);
      if (dx) heavy.gemm({ a: back, b: down, c: dx, m: rows, n: inputs, k: rank, transposeB: true, accumulate: true });
      if (dDown) heavy.gemm({ a: input(), b: back, c: dDown, m: inputs, n: rank, k: rows, transposeA: true });
    }
    if (dUp) heavy.gemm({ a: lowered(frame, downName, scale, rows, input()), b: dy, c: dUp, m: rank, n: outputs, k: rows, transposeA: true }); // biome-ignore format: one thought
  }
}

/** scale·x·down. */
function lowered(frame: Frame, name: string, scale: number, rows: number, x: Float32Array): Float32Array {
  const [inputs, rank] = frame.shape(name);
  const low = frame.scratch(rows * rank);
  frame.heavy.gemm({ a: x, b: frame.values(name), c: low, m: rows, n: rank, k: inputs });
  if (scale !== 1) frame.heavy.scale([low], scale);
  return low;
}
