import { engine } from "@etalon/engine";
import { beforeAll, expect, test } from "vitest";
import { coloursAsEmoji } from "../../test/emojiCase.ts";
import { vocabulary } from "../emoji/vocabulary.ts";
import { tinyDefault } from "./config.ts";
import { learningRateAt, pretrainDefaults, pretrainState, pretrainStep } from "./pretrainStep.ts";
import { TinyTokenizer } from "./TinyTokenizer.ts";
import { TinyTransformer2DModel } from "./TinyTransformer2DModel.ts";

beforeAll(async () => {
  await engine();
});

test("learns: the loss on three one-coloured pictures falls below a third", () => {
  const data = coloursAsEmoji();
  const tokenizer = new TinyTokenizer(vocabulary(data.entries), 12);
  const model = new TinyTransformer2DModel({
    ...tinyDefault,
    num_single_layers: 1,
    num_attention_heads: 2,
    attention_head_dim: 16,
    vocab_size: tokenizer.size,
  }).initialise(0);
  const options = { ...pretrainDefaults, batch: 8, steps: 50, warmup: 5, learningRate: 3e-3 };
  const state = pretrainState(model, options);
  const losses = Array.from({ length: 40 }, () => pretrainStep(state, data, tokenizer, options));
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  expect(mean(losses.slice(-5))).toBeLessThan(mean(losses.slice(0, 5)) / 3);
  expect(state.step).toBe(40);
  for (const part of [state.optimiser, state.ema, model]) part.dispose();
});

test("the learning rate rises linearly, then falls by a cosine to zero", () => {
  const options = { ...pretrainDefaults, steps: 1000, warmup: 10, learningRate: 1 };
  expect(learningRateAt(0, options)).toBeCloseTo(0.1, 12);
  expect(learningRateAt(500, options)).toBeCloseTo(0.5, 12);
  expect(learningRateAt(750, options)).toBeCloseTo(0.5 * (1 - Math.SQRT1_2), 12);
  expect(learningRateAt(1000, options)).toBe(0);
});
