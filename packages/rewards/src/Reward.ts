import { check, EtalonError } from "@etalon/errors";
import type { ImageBatch } from "./ImageBatch.ts";

/** Something that scores images: higher is better, the unit is its own. */
export interface Reward {
  readonly name: string;
  /** One finite number an image. `prompts` has one prompt an image, and may be ignored. */
  score(images: ImageBatch, prompts: readonly string[]): Float32Array | Promise<Float32Array>;
  /** Frees what the reward holds (weights, connections). The reward cannot be used after. */
  dispose?(): void;
}

/** Whether a value can be used as a reward. */
export function isReward(value: unknown): value is Reward {
  const { name, score } = (value ?? {}) as Partial<Reward>;
  return typeof name === "string" && name.trim() !== "" && typeof score === "function";
}

/** @throws EtalonError BAD_TYPE: not a reward */
export function checkReward(argument: string, value: unknown): Reward {
  if (isReward(value)) return value;
  const allowed = "an object with a name and a function score(images, prompts)";
  throw new EtalonError("BAD_TYPE", { argument, value, allowed, hint: "defineReward(name, fn) makes one." });
}

/** What a reward function may give back; it becomes a Float32Array. */
export type Scores = ArrayLike<number>;

/**
 * Makes a reward of a function over a batch of images.
 * @param name  for messages and metrics    @param fn  gives one number an image, in order; may be async
 * @throws EtalonError BAD_TYPE: an empty name, or fn is no function
 */
export function defineReward(
  name: string,
  fn: (images: ImageBatch, prompts: readonly string[]) => Scores | Promise<Scores>,
): Reward {
  check.text("name", name);
  if (!(typeof fn === "function"))
    throw new EtalonError("BAD_TYPE", { argument: "fn", value: fn, allowed: "a function" });
  return {
    name,
    score: async (images, prompts) => {
      const scores = await fn(images, prompts);
      if (scores instanceof Float32Array) return scores;
      if (!isArrayLike(scores))
        throw new EtalonError("BAD_REWARD", {
          argument: name,
          value: scores,
          allowed: "an array with one number an image",
        });
      return Float32Array.from(scores);
    },
  };
}

/** A plain array or a typed one. */
export const isArrayLike = (value: unknown): value is Scores =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && "length" in value);
