import { describe, expect, test } from "vitest";
import { chooseWeights } from "./chooseWeights.ts";
import { matchPatterns } from "./matchPatterns.ts";
import { neededFiles } from "./neededFiles.ts";
import { readRepoId } from "./RepoId.ts";

describe("one set of weights", () => {
  const all = ["config.json", "diffusion_pytorch_model.bin", "diffusion_pytorch_model.fp16.bin", "diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.non_ema.safetensors", "diffusion_pytorch_model.safetensors"]; // biome-ignore format: a list
  const without = (...names: string[]) => all.filter((name) => !names.includes(name));

  test.each<[string, string[], string | undefined, string | undefined]>([
    ["full precision first", all, undefined, "diffusion_pytorch_model.safetensors"],
    ["the variant asked for", all, "fp16", "diffusion_pytorch_model.fp16.safetensors"],
    ["a variant that is not there", all, "int8", "diffusion_pytorch_model.safetensors"],
    ["full precision of torch's before fp16", without("diffusion_pytorch_model.safetensors"), undefined, "diffusion_pytorch_model.bin"],
    ["fp16 where there is no other", without("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"), undefined, "diffusion_pytorch_model.fp16.safetensors"],
    ["torch's where there is no safetensors", ["pytorch_model.bin", "tf_model.h5"], undefined, "pytorch_model.bin"],
    ["an index", ["model-00001-of-00002.safetensors", "model.safetensors.index.json"], undefined, "model.safetensors.index.json"],
    ["an index of a variant, in either spelling", ["model.safetensors.index.json", "model.safetensors.index.fp16.json"], "fp16", "model.safetensors.index.fp16.json"],
    ["the other spelling", ["model.safetensors.index.json", "model.fp16.safetensors.index.json"], "fp16", "model.fp16.safetensors.index.json"],
    ["none", ["model.onnx", "model.safetensors.txt", "my_model.safetensors"], undefined, undefined],
  ])("%s", (_, names, variant, expected) => {
    expect(chooseWeights([...names].reverse(), variant)).toBe(expected);
  }); // biome-ignore format: a table
});

test("Stable Diffusion 1.5's own list: a tenth of its files", async () => {
  const names = [".gitattributes", "README.md", "feature_extractor/preprocessor_config.json", "model_index.json", "safety_checker/config.json", "safety_checker/model.safetensors", "safety_checker/pytorch_model.bin", "scheduler/scheduler_config.json", "text_encoder/config.json", "text_encoder/model.fp16.safetensors", "text_encoder/model.safetensors", "text_encoder/pytorch_model.bin", "tokenizer/merges.txt", "tokenizer/special_tokens_map.json", "tokenizer/tokenizer_config.json", "tokenizer/vocab.json", "unet/config.json", "unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.fp16.safetensors", "unet/diffusion_pytorch_model.non_ema.safetensors", "unet/diffusion_pytorch_model.safetensors", "v1-5-pruned-emaonly.safetensors", "v1-5-pruned.ckpt", "v1-inference.yaml", "vae/config.json", "vae/diffusion_pytorch_model.bin", "vae/diffusion_pytorch_model.safetensors"]; // biome-ignore format: a list
  const index = { _class_name: "StableDiffusionPipeline", feature_extractor: ["transformers", "CLIPImageProcessor"], safety_checker: ["stable_diffusion", "StableDiffusionSafetyChecker"], scheduler: ["diffusers", "PNDMScheduler"], text_encoder: ["transformers", "CLIPTextModel"], tokenizer: ["transformers", "CLIPTokenizer"], unet: ["diffusers", "UNet2DConditionModel"], vae: ["diffusers", "AutoencoderKL"] }; // biome-ignore format: a list
  const choose = (variant?: string) => neededFiles({ repo: "a/b", revision: "main", names, json: async () => index }, variant); // biome-ignore format: one thought
  expect(await choose()).toEqual(["model_index.json", "scheduler/scheduler_config.json", "text_encoder/config.json", "text_encoder/model.safetensors", "tokenizer/merges.txt", "tokenizer/special_tokens_map.json", "tokenizer/tokenizer_config.json", "tokenizer/vocab.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors", "vae/config.json", "vae/diffusion_pytorch_model.safetensors"]); // biome-ignore format: a list
  expect((await choose("fp16")).filter((name) => name.endsWith(".safetensors"))).toEqual(["text_encoder/model.fp16.safetensors", "unet/diffusion_pytorch_model.fp16.safetensors", "vae/diffusion_pytorch_model.safetensors"]); // biome-ignore format: a list
});

test("an adapter's repository is its file", async () => {
  const json = async () => ({});
  expect(await neededFiles({ repo: "a/b", revision: "main", names: ["README.md", "pytorch_lora_weights.safetensors", "picture.png"], json })).toEqual(["pytorch_lora_weights.safetensors"]); // biome-ignore format: one thought
});

test("patterns are Python's fnmatch", () => {
  const fits = (path: string, pattern: string) => matchPatterns(path, { allow: [pattern] });
  expect(["a.json", "x/y.json"].every((path) => fits(path, "*.json"))).toBe(true);
  expect([fits("unet/a", "unet/"), fits("unet2/a", "unet/"), fits("ab", "a?"), fits("a/b", "a?b"), fits("a.b", "a?c")]).toEqual([true, false, true, true, false]); // biome-ignore format: one thought
  expect([fits("a1", "a[0-9]"), fits("ab", "a[!0-9]"), fits("a1", "a[!0-9]"), fits("a+", "a+"), fits("aa", "a+")]).toEqual([true, true, false, true, false]); // biome-ignore format: one thought
  expect(matchPatterns("a.json", { ignore: ["a*"] })).toBe(false);
});

test("names of repositories, with a revision or without", () => {
  expect(readRepoId("a/b")).toEqual({ id: "a/b", revision: undefined });
  expect(readRepoId("hf://stable-diffusion-v1-5/stable-diffusion-v1-5@refs/pr/3")).toEqual({ id: "stable-diffusion-v1-5/stable-diffusion-v1-5", revision: "refs/pr/3" }); // biome-ignore format: one thought
  expect(readRepoId("gpt2")?.id).toBe("gpt2");
  for (const text of ["./a/b", "a/b/c", "a/", "-a/b", "a/b.", "a//b", "C:\\a"]) expect(readRepoId(text), text).toBeUndefined(); // biome-ignore format: one thought
});
