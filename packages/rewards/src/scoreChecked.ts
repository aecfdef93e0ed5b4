import { check, EtalonError } from "@etalon/errors";
import { checkImages, type ImageBatch } from "./ImageBatch.ts";
import { isArrayLike, type Reward } from "./Reward.ts";

/**
 * Scores images and lets nothing but one finite number an image through. Everything that trains on or reports a reward goes through here.
 * @returns float32 [images.count]
 * @throws EtalonError BAD_REWARD: the reward threw (`cause` has it), gave the wrong count, or NaN or infinity; names the reward and the first image at fault.
 *   BAD_SHAPE: images or prompts that do not fit each other
 */
export async function scoreChecked(
  reward: Reward,
  images: ImageBatch,
  prompts: readonly string[],
): Promise<Float32Array> {
  checkImages(images);
  check.length("prompts", prompts, images.count, "One prompt an image.");
  return checkScores(reward.name, images.count, await attempt(reward.name, () => reward.score(images, prompts)));
}

/** Runs a reward's own code; what it throws becomes BAD_REWARD with the reward's name, and the original as cause. An EtalonError passes as it is. */
async function attempt<T>(name: string, score: () => T | Promise<T>): Promise<T> {
  try {
    return await score();
  } catch (cause) {
    if (EtalonError.is(cause)) throw cause;
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new EtalonError("BAD_REWARD", { argument: name }, { message: `reward ${name} threw: ${why}`, cause });
  }
}

/** A module in JavaScript may well give a plain array. @throws EtalonError BAD_REWARD: not one number an image that float32 holds */
function checkScores(name: string, count: number, scores: unknown): Float32Array {
  const fault = (value: unknown, where: string) =>
    new EtalonError("BAD_REWARD", { argument: `reward ${name}${where}`, value, allowed: "one finite number an image" });
  if (!isArrayLike(scores)) throw fault(scores, "");
  if (scores.length !== count) {
    const message = `reward ${name} gave ${scores.length} scores for ${count} images; allowed: one finite number an image.`;
    throw new EtalonError(
      "BAD_REWARD",
      { argument: name, value: scores.length, allowed: `${count} scores` },
      { message },
    );
  }
  const bad = Array.prototype.findIndex.call(scores, (score) => !(typeof score === "number" && Number.isFinite(Math.fround(score)))); // biome-ignore format: one thought
  if (bad >= 0) throw fault(scores[bad], `, image ${bad}`);
  return scores instanceof Float32Array ? scores : Float32Array.from(scores);
}
