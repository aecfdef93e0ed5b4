import "@etalon/testkit";
import { engine, tf } from "@etalon/engine";
import { goldenJson, goldenPath } from "@etalon/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { close, goldenCases, take } from "../../test/golden.ts";
import { loadModel } from "../loadModel.ts";
import { CLIPTextModel } from "./CLIPTextModel.ts";

beforeAll(async () => {
  await engine();
});

// transformers' own outputs: packages/testkit/golden/README.md.
describe.each(["clip_text", "clip_text_eos"])("%s beside transformers", (name) => {
  test("the last state, the pooled one and every layer's agree", async () => {
    const cases = goldenCases(`${name}/cases.safetensors`);
    const model = await loadModel(goldenPath(name), { className: "CLIPTextModel" });
    const out = model.forward({ inputIds: cases.tensor("input_ids") }, { hiddenStates: true });
    expect(take(out.lastHiddenState)).toBeAllclose(cases.values("last_hidden_state"), close);
    expect(take(out.poolerOutput)).toBeAllclose(cases.values("pooled"), close);
    expect(out.hiddenStates).toHaveLength(3);
    for (const [i, state] of out.hiddenStates?.entries() ?? []) expect(take(state), `${i}`).toBeAllclose(cases.values(`hidden.${i}`), close); // biome-ignore format: one thought
    model.dispose();
  });
});

describe("where a text ends", () => {
  const pooledRow = (eos: number, ids: number[]) => {
    const model = new CLIPTextModel({ ...goldenJson<object>("clip_text/config.json"), eos_token_id: eos }).initialise(1);
    const { lastHiddenState, poolerOutput } = model.forward({ inputIds: tf.tensor2d([ids], [1, ids.length], "int32") });
    const [states, pooled] = [take(lastHiddenState), take(poolerOutput)];
    model.dispose();
    return ids.findIndex((_, i) => pooled.every((value, j) => value === states[i * pooled.length + j]));
  }; // biome-ignore format: one thought

  test("at the first end-of-text token", () => {
    expect(pooledRow(50, [0, 99, 50, 7, 50])).toBe(2);
    expect(pooledRow(50, [0, 99, 3])).toBe(0); // none, as argmax of no match
  });
  test("at the largest id, where the config says 2", () => expect(pooledRow(2, [0, 99, 2, 119, 2])).toBe(3));
});

test("refuses tokens that are not there, and options by name", () => {
  const config = goldenJson<Record<string, unknown>>("clip_text/config.json");
  expect(() => new CLIPTextModel({ ...config, hidden_act: "relu" })).toThrow('hidden_act of CLIPTextModel is "relu"; allowed: quick_gelu, gelu.');
  expect(() => new CLIPTextModel({ ...config, layer_norm_eps: null })).toThrow("layer_norm_eps of CLIPTextModel is null; allowed: a finite number > 0.");
  const model = new CLIPTextModel(config).initialise(1);
  expect(() => model.forward({ inputIds: tf.tensor2d([[1, 120]], [1, 2], "int32") })).toThrow("ids[1] is 120; allowed: 0 to 119.");
  expect(() => model.forward({ inputIds: tf.zeros([1, 17]) })).toThrow("inputIds is [1,17]; allowed: [batch, 1 to 16].");
  model.dispose();
}); // biome-ignore format: one line each
