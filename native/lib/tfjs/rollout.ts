import { check } from "@etalon/errors";
import { keyOf, mapsOf } from "../arguments.ts";
import type { NoiseKey } from "../NoiseKey.ts";
import { rollout as rolloutOfArrays } from "../rollout.ts";
import type { StepMap } from "../StepMap.ts";
import { engine, type TensorLike } from "./engine.ts";
import { runOp } from "./ops.ts";
import { batchOf, guidanceOf, shaped } from "./tensors.ts";
import { filled, reader } from "./values.ts";
import { way } from "./way.ts";

/** A batch to draw: float32 tensors of one shape [B, …]. The first axis counts samples, the others make up a sample. */
export interface RolloutOptions<T extends TensorLike = TensorLike> {
  /** The state. */
  x: T;
  /** The model's output o, or with guidance its conditional part. */
  cond: T;
  /** The unconditional output. Needed where guidance is not 1. */
  uncond?: T;
  /** Weight w of o = o_u + w·(o_c − o_u). Default 1. */
  guidance?: number;
  /** The step, one for all samples or one a sample. std = 0 draws nothing: next is the mean. */
  map: StepMap | readonly StepMap[];
  /** Names the noise; B ids. */
  key: NoiseKey;
}

/**
 * Draws the next state of a batch of tensors: `rollout` of @etalon/native, to the bit, on tensors where they lie.   docs/math.md §1–3
 * @returns next: a new tensor of x's shape, which the caller (or tf.tidy) disposes; logp: B, log p(next | x) summed over a sample's elements, 0 where std is 0
 * @throws EtalonError BAD_TYPE, BAD_SHAPE, OUT_OF_RANGE: an argument; NOT_FINITE: NaN or infinity in a tensor, or the result; UNSUPPORTED: no TensorFlow.js here.
 *   No tensor is left over then
 */
export function rollout<T extends TensorLike>(options: RolloutOptions<T>): { next: T; logp: Float64Array } {
  const { x, cond, uncond, map } = options;
  const { shape, batch, dim } = batchOf("x", x);
  shaped("cond", cond, shape, "x");
  if (uncond !== undefined) shaped("uncond", uncond, shape, "x");
  const guidance = guidanceOf(options.guidance, uncond);
  const key = keyOf(options.key);
  check.length("key.samples", key.samples, batch, "One id a sample: the first axis of x.");
  const maps = mapsOf(map, guidance, batch, undefined);
  const tf = engine();
  if (way().name === "ops") {
    const lists = { guided: uncond === undefined ? 0 : 1 };
    const inputs = { x, cond, uncond };
    const { tensors, scalars } = runOp(tf, {
      name: "EtalonStep",
      lists,
      inputs,
      params: { batch, maps, key },
      tensors: 1,
    });
    return { next: tensors[0] as T, logp: scalars };
  }
  const values = reader(tf, [x, cond, uncond]);
  let logp!: Float64Array;
  const next = filled(tf, shape, (out) => {
    const arrays = { x: values(x), cond: values(cond), uncond: uncond && values(uncond) };
    logp = rolloutOfArrays({ ...arrays, guidance, map, key, dim, out }).logp;
  });
  return { next: next as T, logp };
}
