/** The most axes that a layout has. */
export const mostAxes = 8;

/** Filled anew for each call, which reads it before it returns. */
const shared = new Float64Array(1 + 3 * mostAxes);

/** The layout of `LightKernels`: a shape and two operands' strides. */
export function layout(shape: readonly number[], first: readonly number[], second: readonly number[]): Float64Array {
  const rank = shape.length;
  shared[0] = rank;
  for (let d = 0; d < rank; d++) {
    shared[1 + d] = shape[d];
    shared[1 + rank + d] = first[d];
    shared[1 + 2 * rank + d] = second[d];
  }
  return shared;
}

/** One axis of `size`, that the operands step through or stay on. */
export function flatLayout(size: number, first: 0 | 1, second: 0 | 1): Float64Array {
  shared[0] = 1;
  shared[1] = size;
  shared[2] = first;
  shared[3] = second;
  return shared;
}

/** Elements from an index of each axis to the next. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= shape[d];
  }
  return strides;
}

/** The strides of an operand in a larger shape that it is broadcast to: 0 where it has one element for all. */
export function broadcastStrides(shape: readonly number[], to: readonly number[]): number[] {
  const own = stridesOf(shape);
  const missing = to.length - shape.length;
  return to.map((_, d) => (d < missing || shape[d - missing] === 1 ? 0 : own[d - missing]));
}
