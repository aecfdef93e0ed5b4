import "@etalon/testkit";
import { engine, type Tensor, tf } from "@etalon/engine";
import { goldenJson, goldenPath } from "@etalon/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { close, goldenCases, take } from "../../test/golden.ts";
import { loadModel } from "../loadModel.ts";
import { UNet2DConditionModel } from "./UNet2DConditionModel.ts";

// diffusers' own outputs: packages/testkit/golden/README.md.
const cases = goldenCases("unet_sd15/cases.safetensors");
const config = goldenJson<Record<string, unknown>>("unet_sd15/config.json");
let model: UNet2DConditionModel;

beforeAll(async () => {
  await engine();
  model = await loadModel(goldenPath("unet_sd15"), { className: "UNet2DConditionModel" });
});
afterAll(() => model.dispose());

const inputs = (prefix = "") => ({
  sample: cases.tensor(`${prefix}sample`),
  timestep: cases.tensor(`${prefix}timestep`),
  encoderHiddenStates: cases.tensor(`${prefix}encoder_hidden_states`),
});

describe("beside diffusers", () => {
  test("the output and every intermediate agree", () => {
    const seen = new Map<string, Float32Array>();
    const out = tf.tidy(() => model.forward(inputs(), (name, value) => seen.set(name, value.dataSync<"float32">().slice())).sample); // biome-ignore format: one thought
    expect(take(out)).toBeAllclose(cases.values("out"), close);
    const names = { t_emb: "t_emb", temb: "temb", conv_in: "conv_in", down0: "down_blocks.0" };
    for (const [golden, name] of Object.entries(names)) expect(seen.get(name), name).toBeAllclose(cases.values(golden), close); // biome-ignore format: one thought
  });

  test("pictures that are not square too", () => {
    const out = tf.tidy(() => model.forward(inputs("ns.")).sample);
    expect(out.shape).toEqual([1, 8, 16, 4]);
    expect(take(out)).toBeAllclose(cases.values("ns.out"), close);
  });

  test("one time step for all samples, as a number", () => {
    const [first, second] = tf.tidy(() => {
      const given = inputs();
      return [7, tf.tensor1d([7, 7])].map((timestep) => model.forward({ ...given, timestep }).sample);
    });
    expect(take(second)).toEqual(take(first));
  });
});

describe("gradients", () => {
  const loss = (x: Tensor, context: Tensor) =>
    model
      .forward({ sample: x, timestep: 500, encoderHiddenStates: context })
      .sample.mul(tf.linspace(-1, 1, 512).reshape([1, 8, 16, 4]))
      .sum();

  const both = (checkpointing: boolean) => {
    model.net.checkpointing = checkpointing;
    const names = /^(conv_in|down_blocks\.1\.(resnets\.0\.conv1|attentions\.1)|mid_block|up_blocks\.2\.upsamplers|time_embedding|conv_out)/; // biome-ignore format: one thought
    const variables = model.parameters(names);
    let value = 0;
    const grads = new Map<string, Float32Array>();
    tf.tidy(() => {
      const [x, context] = [cases.tensor("ns.sample"), cases.tensor("ns.encoder_hidden_states")];
      const found = tf.variableGrads(() => loss(x, context).asScalar(), [...variables.values()]);
      value = found.value.dataSync()[0];
      for (const [name, variable] of variables)
        grads.set(name, found.grads[variable.name].dataSync<"float32">().slice());
    });
    return { value, grads };
  };

  test("are the same whether blocks are kept or run again", () => {
    const [kept, again] = [both(false), both(true)];
    expect(again.value).toBeCloseTo(kept.value, 3);
    expect(kept.grads.size).toBeGreaterThan(30);
    for (const [name, grad] of kept.grads) {
      const largest = grad.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(again.grads.get(name), name).toBeAllclose(grad, { atol: 1e-5 * largest + 1e-9 });
    }
  });

  test("fit finite differences along a direction, in the sample, the text and the weights", () => {
    model.net.checkpointing = true;
    const variables = [...model.parameters(/up_blocks\.3\.resnets\.0\.conv1\.weight|attn2\.to_k\.weight$/).values()];
    const [x, context] = [cases.tensor("ns.sample"), cases.tensor("ns.encoder_hidden_states")];
    const bent = (tensor: Tensor) => tf.tidy(() => tensor.mul(3).add(1).sin()) as Tensor;
    const along = [x, context, ...variables].map(bent);
    const engine = tf.engine() as unknown as { gradients(f: () => Tensor, xs: Tensor[]): { value: Tensor; grads: Tensor[] } }; // biome-ignore format: one thought
    const found = engine.gradients(() => loss(x, context), [x, context, ...variables]);
    const slopes = found.grads.map((grad, i) => take(grad.mul(along[i]).sum())[0]);
    const at = (part: number, step: number) => {
      const moved = along[part].mul(step);
      if (part >= 2) variables[part - 2].assign(variables[part - 2].add(moved));
      const value = take(loss(part === 0 ? x.add(moved) : x, part === 1 ? context.add(moved) : context))[0];
      if (part >= 2) variables[part - 2].assign(variables[part - 2].sub(moved));
      return value;
    };
    const h = 2e-3;
    for (const [part, exact] of slopes.entries()) {
      const slope = (at(part, h) - at(part, -h)) / (2 * h);
      expect(Math.abs(slope - exact), `part ${part}: ${slope}, ${exact}`).toBeLessThan(2e-2 * Math.max(1, Math.abs(exact)));
    } // biome-ignore format: one thought
  });
});

describe("refuses", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["a dual attention", { dual_cross_attention: true }, "dual_cross_attention of UNet2DConditionModel is true; allowed: left out, false."],
    ["an added embedding", { addition_embed_type: "text_time" }, 'addition_embed_type of UNet2DConditionModel is "text_time"; allowed: left out, null.'],
    ["another block", { down_block_types: ["AttnDownBlock2D", "DownBlock2D", "DownBlock2D", "DownBlock2D"] }, 'down_block_types[0] of UNet2DConditionModel is "AttnDownBlock2D"'],
    ["an option it does not know", { new_option: 3 }, "new_option of UNet2DConditionModel is 3; allowed: a config without it."],
    ["a list of another length", { attention_head_dim: [2, 2] }, "attention_head_dim of UNet2DConditionModel is [2,2]; allowed: a number, or a list of 4."],
    ["heads that do not divide", { attention_head_dim: 3 }, "block_out_channels[0] is 8; allowed: a multiple of attention_head_dim (the number of heads), 3."],
    ["no norm, where diffusers' blocks need one", { norm_num_groups: null }, "norm_num_groups of UNet2DConditionModel is null; allowed: a whole number ≥ 1."],
    ["no middle block", { mid_block_type: null }, 'mid_block_type of UNet2DConditionModel is null; allowed: left out, "UNetMidBlock2DCrossAttn".'],
    ["no activation", { act_fn: null }, 'act_fn of UNet2DConditionModel is null; allowed: left out, "silu", "swish".'],
    ["a flag that is null", { flip_sin_to_cos: null }, "flip_sin_to_cos of UNet2DConditionModel is null; allowed: true, false."],
    ["no padding told", { downsample_padding: null }, "downsample_padding of UNet2DConditionModel is null"],
    ["dropout", { dropout: 0.1 }, "dropout of UNet2DConditionModel is 0.1; allowed: left out, 0."],
    ["another activation", { act_fn: "mish" }, 'act_fn of UNet2DConditionModel is "mish"; allowed: left out, "silu", "swish".'],
  ])("%s", (_, change, message) => expect(() => new UNet2DConditionModel({ ...config, ...change })).toThrow(message)); // biome-ignore format: a table

  test("but takes null where diffusers' own default is None", () => {
    const off = ["sample_size", "num_class_embeds", "time_embedding_dim", "num_attention_heads", "class_embed_type", "encoder_hid_dim", "timestep_post_act", "mid_block_only_cross_attention"]; // biome-ignore format: a list
    const model = new UNet2DConditionModel({ ...config, ...Object.fromEntries(off.map((name) => [name, null])) });
    expect([...model.net.parameters.specs.keys()]).toEqual([...new UNet2DConditionModel(config).net.parameters.specs.keys()]);
  }); // biome-ignore format: long lines

  test("inputs of other shapes", () => {
    const given = inputs();
    expect(() => model.forward({ ...given, sample: tf.zeros([2, 16, 16, 3]) })).toThrow("sample is [2,16,16,3]; allowed: [batch, height, width, 4].");
    expect(() => model.forward({ ...given, encoderHiddenStates: tf.zeros([1, 7, 16]) })).toThrow("encoderHiddenStates is [1,7,16]; allowed: [2, tokens, 16].");
    expect(() => model.forward({ ...given, timestep: tf.tensor1d([1, 2, 3]) })).toThrow("timestep is 3; allowed: 1 or 2 values.");
    expect(() => model.forward({ ...given, classLabels: tf.zeros([2]) })).toThrow("classLabels is [2]; allowed: nothing: the config has no num_class_embeds.");
  }); // biome-ignore format: one line each
});
