import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { byteSigns } from "../clip/byteSigns.ts";
import { CLIPTextModel } from "../clip/CLIPTextModel.ts";
import { UNet2DConditionModel } from "../unet/UNet2DConditionModel.ts";
import { AutoencoderKL } from "../vae/AutoencoderKL.ts";

/** Sizes of a small pipeline. */
export interface TinyStableDiffusionOptions {
  seed?: number;
  /** Channels of the U-Net's levels, multiples of 4. */
  channels?: readonly number[];
  /** Latent pixels along a side. */
  size?: number;
}

/**
 * Writes a Stable Diffusion 1.5 pipeline of tiny sizes and random weights, laid out as diffusers lays it out: for trials, tests and examples. It draws noise, and trains in seconds.
 * It has every part of the real one: a CLIP text encoder with a byte-level vocabulary, a U-Net with attention, an autoencoder, PNDM's scheduler config.
 */
export function writeTinyStableDiffusion(folder: string, { seed = 0, channels = [8, 16], size = 8 }: TinyStableDiffusionOptions = {}): void {
  const n = channels.length;
  const cross = (name: string, plain: string, last: boolean) => channels.map((_, i) => ((last ? i === n - 1 : i === 0) ? plain : name)); // biome-ignore format: one thought
  const unet = new UNet2DConditionModel({
    _class_name: "UNet2DConditionModel",
    attention_head_dim: 2,
    block_out_channels: channels,
    cross_attention_dim: 16,
    down_block_types: cross("CrossAttnDownBlock2D", "DownBlock2D", true),
    up_block_types: cross("CrossAttnUpBlock2D", "UpBlock2D", false),
    layers_per_block: 1,
    norm_num_groups: 4,
    sample_size: size,
  });
  const vae = new AutoencoderKL({
    _class_name: "AutoencoderKL",
    block_out_channels: [8, 8, 8],
    down_block_types: Array(3).fill("DownEncoderBlock2D"),
    up_block_types: Array(3).fill("UpDecoderBlock2D"),
    layers_per_block: 1,
    norm_num_groups: 4,
    sample_size: 4 * size,
    scaling_factor: 0.18215,
  });
  const { vocab, merges } = vocabulary();
  const text = new CLIPTextModel({
    architectures: ["CLIPTextModel"],
    eos_token_id: 2,
    hidden_size: 16,
    intermediate_size: 32,
    max_position_embeddings: 16,
    num_attention_heads: 2,
    num_hidden_layers: 2,
    vocab_size: vocab.length,
  });
  const write = (part: string, name: string, content: object | string) => {
    mkdirSync(join(folder, part), { recursive: true });
    writeFileSync(join(folder, part, name), typeof content === "string" ? content : `${JSON.stringify(content, null, 2)}\n`);
  };
  for (const [i, [part, model]] of Object.entries({ unet, vae, text_encoder: text }).entries()) {
    write(part, "config.json", model.config);
    model.initialise(3 * seed + i);
    model.save(join(folder, part, part === "text_encoder" ? "model.safetensors" : "diffusion_pytorch_model.safetensors"));
    model.dispose();
  }
  write("tokenizer", "vocab.json", Object.fromEntries(vocab.map((token, id) => [token, id])));
  write("tokenizer", "merges.txt", `#version: 0.2\n${merges.join("\n")}\n`);
  write("tokenizer", "tokenizer_config.json", { model_max_length: 16, pad_token: "<|endoftext|>" });
  write("scheduler", "scheduler_config.json", scheduler);
  write("", "model_index.json", {
    _class_name: "StableDiffusionPipeline",
    safety_checker: [null, null],
    scheduler: ["diffusers", "PNDMScheduler"],
    text_encoder: ["transformers", "CLIPTextModel"],
    tokenizer: ["transformers", "CLIPTokenizer"],
    unet: ["diffusers", "UNet2DConditionModel"],
    vae: ["diffusers", "AutoencoderKL"],
  });
} // biome-ignore format: long lines

/** Stable Diffusion 1.5's scheduler_config.json. */
const scheduler = {
  _class_name: "PNDMScheduler",
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  trained_betas: null,
  clip_sample: false,
};

/** Every byte, within a word and at its end; a few pairs; the two special tokens last. */
function vocabulary(): { vocab: string[]; merges: string[] } {
  const merges = ["a n", "c a", "ca t</w>", "d o", "do g</w>", "e r</w>"];
  const pieces = [...byteSigns, ...byteSigns.map((sign) => `${sign}</w>`), ...merges.map((pair) => pair.replace(" ", ""))];
  return { vocab: [...pieces, "<|startoftext|>", "<|endoftext|>"], merges };
} // biome-ignore format: long lines
