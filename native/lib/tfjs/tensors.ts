import { check, EtalonError } from "@etalon/errors";
import type { TensorLike } from "./engine.ts";

/** A batch as its state's shape tells it: the first axis counts samples, the others make up a sample. */
export interface Batch {
  shape: number[];
  batch: number;
  /** Elements of a sample. */
  dim: number;
}

/** @throws EtalonError BAD_TYPE: no float32 tensor; BAD_SHAPE: of rank 0, or without elements */
export function batchOf(argument: string, value: TensorLike): Batch {
  const { shape, size } = floatTensor(argument, value, "a float32 tensor [samples, …]");
  if (shape.length === 0 || size === 0) {
    const allowed = "a float32 tensor [samples, …] of one element or more";
    throw new EtalonError("BAD_SHAPE", { argument, value: picture(value), allowed });
  }
  return { shape, batch: shape[0], dim: check.range("dim", size / shape[0], { max: 2 ** 31 - 1 }) };
}

/** A float32 tensor of just this shape. @throws EtalonError BAD_TYPE, BAD_SHAPE */
export function shaped<T extends TensorLike>(argument: string, value: T, shape: readonly number[], like: string): T {
  const allowed = `a float32 tensor ${show(shape)}, as ${like}`;
  floatTensor(argument, value, allowed);
  const same = value.shape.length === shape.length && shape.every((length, axis) => value.shape[axis] === length);
  if (!same) throw new EtalonError("BAD_SHAPE", { argument, value: picture(value), allowed });
  return value;
}

/** The guidance weight; anything but 1 needs the unconditional output. @throws EtalonError OUT_OF_RANGE, BAD_TYPE */
export function guidanceOf(guidance: number | undefined, uncond: TensorLike | undefined): number {
  const weight = check.range("guidance", guidance ?? 1);
  check.that(weight === 1 || uncond !== undefined, "BAD_TYPE", {
    argument: "uncond",
    value: uncond,
    allowed: `a float32 tensor, as guidance is ${weight}`,
    hint: "Guidance 1 needs no unconditional output.",
  });
  return weight;
}

function floatTensor(argument: string, value: TensorLike, allowed: string): TensorLike {
  const isTensor = typeof value === "object" && Array.isArray(value?.shape) && typeof value.dataSync === "function";
  if (isTensor && value.dtype === "float32") return value;
  throw new EtalonError("BAD_TYPE", { argument, value: isTensor ? picture(value) : value, allowed });
}

const picture = ({ dtype, shape }: TensorLike) => ({ dtype, shape });
const show = (shape: readonly number[]) => `[${shape.join(", ")}]`;
