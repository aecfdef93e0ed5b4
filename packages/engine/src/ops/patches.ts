import { check, EtalonError } from "@etalon/errors";
import type { Tensor, Tensor3D, Tensor4D } from "@tensorflow/tfjs";
import { checkShape } from "./checkShape.ts";
import { emptyResult } from "./emptyResult.ts";
import { hasFused, isTaped, runFused, withGradients } from "./fused.ts";

/**
 * Pictures as rows of square patches, with its exact gradient: y[b, r·columns + c, (i·size + j)·channels + k] = x[b, r·size + i, c·size + j, k].
 * @param x  float32 [batch, height, width, channels]    @param size  of a patch in pixels; a divisor of height and width
 * @returns float32 [batch, height/size·width/size, size·size·channels]    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE
 */
export function toPatches(x: Tensor, size: number): Tensor3D {
  check.range("size", size, { min: 1, integer: true });
  checkShape("x", x, [null, null, null, null]);
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  if (height % size !== 0 || width % size !== 0)
    throw new EtalonError("BAD_SHAPE", { argument: "size of x", value: [height, width], allowed: `multiples of ${size}` });
  const shape = [batch, (height * width) / size ** 2, size ** 2 * channels];
  return turned(x, [(batch * height) / size, size, width / size, size * channels], shape) as Tensor3D;
} // biome-ignore format: long lines

/**
 * The pictures again, of `toPatches`, with its exact gradient.
 * @param y  float32 [batch, patches, size·size·channels]    @returns float32 [batch, height, width, channels]    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE
 */
export function fromPatches(y: Tensor, size: number, [height, width, channels]: readonly [number, number, number]): Tensor4D {
  check.range("size", size, { min: 1, integer: true });
  checkShape("y", y, [null, (height / size) * (width / size), size ** 2 * channels]);
  const batch = y.shape[0];
  return turned(y, [(batch * height) / size, width / size, size, size * channels], [batch, height, width, channels]) as Tensor4D;
} // biome-ignore format: long lines

/** The middle two of four axes exchanged, seen as another shape. */
function turned(x: Tensor, [a, b, c, d]: [number, number, number, number], shape: number[]): Tensor {
  if (x.size === 0) return emptyResult(shape, [x]);
  if (!hasFused("EtalonTurnMiddle")) return x.reshape([a, b, c, d]).transpose([0, 2, 1, 3]).reshape(shape);
  const forward = () => runFused<Tensor>("EtalonTurnMiddle", { x }, { axes: [a, b, c, d], shape });
  if (!isTaped()) return forward();
  return withGradients([x], () => ({ value: forward(), saved: [] }), (dy) => [
    runFused<Tensor>("EtalonTurnMiddle", { x: dy }, { axes: [a, c, b, d], shape: x.shape }),
  ]); // biome-ignore format: one thought
}
