import { mapsOf } from "../arguments.ts";
import { logProb as logProbOfArrays } from "../logProb.ts";
import type { StepMap } from "../StepMap.ts";
import { engine, type TensorLike } from "./engine.ts";
import { runOp } from "./ops.ts";
import { batchOf, guidanceOf, shaped } from "./tensors.ts";
import { reader } from "./values.ts";
import { way } from "./way.ts";

/** A step whose end is known: float32 tensors of one shape [B, …]. The first axis counts samples, the others make up a sample. */
export interface LogProbOptions<T extends TensorLike = TensorLike> {
  /** The state the step led to. */
  next: T;
  /** The state it left. */
  x: T;
  /** The model's output o, or with guidance its conditional part. */
  cond: T;
  /** The unconditional output. Needed where guidance is not 1. */
  uncond?: T;
  /** Weight w of o = o_u + w·(o_c − o_u). Default 1. */
  guidance?: number;
  /** The step, one for all samples or one a sample; std > 0. */
  map: StepMap | readonly StepMap[];
}

/**
 * The log-density of each sample's step, summed over its elements: `logProb` of @etalon/native, to the bit, on tensors where they lie.   docs/math.md §3
 * @returns B numbers    @throws EtalonError as `rollout`, and OUT_OF_RANGE: std = 0
 */
export function logProb<T extends TensorLike>(options: LogProbOptions<T>): Float64Array {
  const { next, x, cond, uncond, map } = options;
  const { shape, batch, dim } = batchOf("x", x);
  shaped("cond", cond, shape, "x");
  shaped("next", next, shape, "x");
  if (uncond !== undefined) shaped("uncond", uncond, shape, "x");
  const guidance = guidanceOf(options.guidance, uncond);
  const maps = mapsOf(map, guidance, batch, "log-probability");
  const tf = engine();
  if (way().name === "ops") {
    const lists = { guided: uncond === undefined ? 0 : 1 };
    const inputs = { x, cond, next, uncond };
    return runOp(tf, { name: "EtalonLogProb", lists, inputs, params: { batch, maps }, tensors: 0 }).scalars;
  }
  const values = reader(tf, [next, x, cond, uncond]);
  const arrays = { next: values(next), x: values(x), cond: values(cond), uncond: uncond && values(uncond) };
  return logProbOfArrays({ ...arrays, guidance, map, dim });
}
