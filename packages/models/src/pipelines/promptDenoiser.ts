import { peek, type Tensor, tf } from "@etalon/engine";
import { check, EtalonError } from "@etalon/errors";
import { chunks } from "../chunks.ts";
import type { Conditioning, DenoiserOptions, ModelOutput, Pipeline, PromptDenoiser } from "../Pipeline.ts";

/**
 * A pipeline's model for some prompts, as the sampling loop takes it: a batch at a time, with and without the prompt where guidance is not 1.
 * @throws EtalonError OUT_OF_RANGE, BAD_SHAPE; the denoiser itself NOT_FINITE: the weights or the state hold NaN
 */
export function promptDenoiser(
  pipeline: Pick<Pipeline, "encodePrompts" | "predict" | "latentShape">,
  prompts: readonly string[],
  {
    guidance = 1,
    negative = "",
    batch,
    shape = pipeline.latentShape(),
    room = (length) => new Float32Array(length),
  }: DenoiserOptions & { batch: number },
): PromptDenoiser {
  check.range("guidance", guidance, { min: 0 });
  check.count("batch", batch);
  checkPrompts(prompts);
  const dim = shape.reduce((a, b) => a * b);
  const parts = chunks(prompts, batch).map((part) => ({
    cond: pipeline.encodePrompts(part),
    uncond: guidance === 1 ? undefined : pipeline.encodePrompts(part.map(() => negative)),
  }));
  const predictInto = (out: Float32Array, x: Float32Array, t: number, conditioning: Conditioning): void => {
    const output = tf.tidy(() => pipeline.predict(tf.tensor(x, [conditioning.count, ...shape]), t, conditioning));
    try {
      const values = peek(output);
      checkFinite("model output", values, "The weights, or the state given, hold NaN or infinities.");
      out.set(values);
    } finally {
      output.dispose();
    }
  };
  const denoise = (x: Float32Array, t: number): ModelOutput => {
    check.length("x", x, prompts.length * dim);
    const run = (pick: (part: (typeof parts)[number]) => Conditioning | undefined) => {
      const out = room(x.length);
      let begin = 0;
      for (const part of parts) {
        const conditioning = pick(part) as Conditioning;
        const end = begin + conditioning.count * dim;
        predictInto(out.subarray(begin, end), x.subarray(begin, end), t, conditioning);
        begin = end;
      }
      return out;
    };
    const cond = run((part) => part.cond);
    return guidance === 1 ? cond : { cond, uncond: run((part) => part.uncond) };
  };
  const dispose = () => {
    for (const { cond, uncond } of parts.splice(0)) {
      cond.dispose();
      uncond?.dispose();
    }
  };
  return Object.assign(denoise, { dispose });
}

/** @throws EtalonError BAD_SHAPE: no prompt */
export function checkPrompts(prompts: readonly string[]): void {
  check.that(prompts.length > 0, "BAD_SHAPE", { argument: "prompts", value: prompts, allowed: "at least one prompt" });
}

/** A state a prompt. @throws EtalonError BAD_SHAPE */
export function checkBatch(x: Tensor, count: number): void {
  const allowed = `a batch of ${count}, as there are prompts`;
  check.that(x.shape[0] === count, "BAD_SHAPE", { argument: "x", value: x.shape, allowed });
}

/** @throws EtalonError NOT_FINITE: names the first value that is not finite */
export function checkFinite(argument: string, values: Float32Array, hint?: string): void {
  let wrong = 0; // a loop: findIndex calls a function a value
  while (wrong < values.length && Number.isFinite(values[wrong])) wrong++;
  if (wrong === values.length) return;
  const allowed = "finite numbers";
  throw new EtalonError("NOT_FINITE", { argument: `${argument}[${wrong}]`, value: values[wrong], allowed, hint });
}
