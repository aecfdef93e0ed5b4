import { tf } from "@etalon/engine";
import { check, EtalonError } from "@etalon/errors";
import type { Conditioning, ModelOutput, Pipeline, PromptDenoiser } from "../Pipeline.ts";

/** How prompts are denoised. */
export interface DenoiserOptions {
  guidance?: number;
  negative?: string;
  /** Samples that go through the model at once. */
  batch: number;
}

/**
 * A pipeline's model for some prompts, as the sampling loop takes it: a batch at a time, with and without the prompt where guidance is not 1.
 * @throws EtalonError OUT_OF_RANGE, BAD_SHAPE; the denoiser itself NOT_FINITE: the weights or the state hold NaN
 */
export function promptDenoiser(
  pipeline: Pick<Pipeline, "encodePrompts" | "predict" | "latentShape">,
  prompts: readonly string[],
  { guidance = 1, negative = "", batch }: DenoiserOptions,
): PromptDenoiser {
  check.range("guidance", guidance, { min: 0 });
  check.count("batch", batch);
  checkPrompts(prompts);
  const shape = pipeline.latentShape();
  const dim = shape.reduce((a, b) => a * b);
  const parts = chunks(prompts, batch).map((part) => ({
    cond: pipeline.encodePrompts(part),
    uncond: guidance === 1 ? undefined : pipeline.encodePrompts(part.map(() => negative)),
  }));
  const predictNow = (x: Float32Array, t: number, conditioning: Conditioning): Float32Array => {
    const out = tf.tidy(() => pipeline.predict(tf.tensor(x, [conditioning.count, ...shape]), t, conditioning));
    const values = out.dataSync<"float32">().slice();
    out.dispose();
    checkFinite("model output", values, "The weights, or the state given, hold NaN or infinities.");
    return values;
  };
  const denoise = (x: Float32Array, t: number): ModelOutput => {
    check.length("x", x, prompts.length * dim);
    const run = (pick: (part: (typeof parts)[number]) => Conditioning | undefined) => {
      const out = new Float32Array(x.length);
      let begin = 0;
      for (const part of parts) {
        const conditioning = pick(part) as Conditioning;
        const size = conditioning.count * dim;
        out.set(predictNow(x.subarray(begin, begin + size), t, conditioning), begin);
        begin += size;
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

/** @throws EtalonError NOT_FINITE: names the first value that is not finite */
export function checkFinite(argument: string, values: Float32Array, hint?: string): void {
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong < 0) return;
  const allowed = "finite numbers";
  throw new EtalonError("NOT_FINITE", { argument: `${argument}[${wrong}]`, value: values[wrong], allowed, hint });
}

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
