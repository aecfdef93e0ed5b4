import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Activation, layerNorm, linear, multiHeadAttention, type Tensor, type Tensor2D, tf } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { ParameterStore, type Random, TinyTokenizer } from "@etalon/models";
import { checkTinyClipConfig, type ParameterSpec, parameterSpecs, type TinyClipConfig } from "./config.ts";

/** exp of the logit scale's start, 1/0.07 as in CLIP; the parameter is kept relative to it. */
const startScale = 1 / 0.07;

/**
 * A small two-tower text–image model: a patch transformer over 32×32 pictures, and a layer over the mean of a text's word embeddings. Both end in unit vectors whose
 * product is the cosine that CLIP scores by (arXiv:2103.00020). Matrix products only, so that it runs alike on every engine.
 */
export class TinyClip {
  readonly config: TinyClipConfig;
  readonly tokenizer: TinyTokenizer;
  readonly parameters = new ParameterStore((name) => name.endsWith("_embedding.weight") && !name.includes("patch"));

  constructor(config: TinyClipConfig, tokenizer: TinyTokenizer) {
    if (config.vocab_size !== tokenizer.size) {
      const allowed = `${tokenizer.size}, as the tokenizer has`;
      throw new EtalonError("BAD_FILE", { argument: "vocab_size", value: config.vocab_size, allowed });
    }
    this.config = config;
    this.tokenizer = tokenizer;
  }

  /** Reads config.json, tokenizer.json and model.safetensors of a folder. @throws EtalonError NOT_FOUND, BAD_FILE */
  static fromFolder(folder: string): TinyClip {
    const config = checkTinyClipConfig(readJson(join(folder, "config.json")));
    const model = new TinyClip(config, TinyTokenizer.fromFile(join(folder, "tokenizer.json")));
    model.parameters.load(join(folder, "model.safetensors"), parameterSpecs(config));
    return model;
  }

  /** Draws all parameters anew. */
  initialise(random: Random): void {
    for (const spec of parameterSpecs(this.config)) this.parameters.add(spec, initialValues(spec, random));
  }

  /** Pictures as unit vectors. @param patches  float32 [N, tokens, patch_size²·3] in [−1, 1], by `toPatches`    @returns float32 [N, projection_dim] */
  embedImages(patches: Tensor): Tensor2D {
    let h = this.#linear("vision_model.patch_embedding", patches);
    h = h.add(this.parameters.get("vision_model.position_embedding.weight"));
    for (let i = 0; i < this.config.num_layers; i++) {
      const at = `vision_model.layers.${i}`;
      h = h.add(this.#attend(`${at}.self_attn`, layerNorm(h)));
      h = h.add(this.#linear(`${at}.mlp.fc2`, this.#linear(`${at}.mlp.fc1`, layerNorm(h), "silu")));
    }
    return unit(this.#linear("visual_projection", layerNorm(h).mean(1)));
  }

  /** Texts as unit vectors. @param bags  float32 [N, vocab_size], by `toBags`    @returns float32 [N, projection_dim] */
  embedTexts(bags: Tensor2D): Tensor2D {
    const words = linear(bags, this.parameters.get("text_model.token_embedding.weight") as Tensor2D);
    return unit(this.#linear("text_projection", this.#linear("text_model.fc1", words, "silu")));
  }

  /** What cosines are multiplied by in the contrastive loss; at most 100. */
  logitScale(): Tensor {
    return this.parameters.get("logit_scale").exp().mul(startScale).minimum(100);
  }

  /** Each text as the mean of its known words: rows that sum to 1, or to 0 where no word is known. float32 [texts, vocab_size] */
  toBags(texts: readonly string[]): Tensor2D {
    const { vocab_size } = this.config;
    const bags = new Float32Array(texts.length * vocab_size);
    for (const [i, text] of texts.entries()) {
      const ids = this.tokenizer.encode(text).filter((id) => id > 1); // 0 pads, 1 is the empty prompt
      for (const id of ids) bags[i * vocab_size + id] += 1 / ids.length;
    }
    return tf.tensor2d(bags, [texts.length, vocab_size]);
  }

  /** Pixels as rows of patches. @param pixels  [count, image_size, image_size, 3] in [−1, 1]    @returns float32 [count, tokens, patch_size²·3] */
  toPatches(pixels: Float32Array, count: number): Tensor {
    const { image_size, patch_size } = this.config;
    const side = image_size / patch_size;
    const rows = tf.tensor(pixels, [count * side, patch_size, side, patch_size * 3]).transpose([0, 2, 1, 3]);
    return rows.reshape([count, side * side, patch_size ** 2 * 3]);
  }

  dispose(): void {
    this.parameters.dispose();
  }

  #attend(at: string, x: Tensor): Tensor {
    const [q, k, v] = ["q_proj", "k_proj", "v_proj"].map((name) => this.#linear(`${at}.${name}`, x));
    return this.#linear(`${at}.out_proj`, multiHeadAttention(q, k, v, this.config.num_attention_heads));
  }

  #linear(name: string, x: Tensor, activation?: Activation): Tensor {
    const [weight, bias] = [this.parameters.get(`${name}.weight`), this.parameters.get(`${name}.bias`)];
    return linear(x, weight as Tensor2D, bias, activation);
  }
}

const unit = (x: Tensor): Tensor2D => x.mul(x.square().sum(-1, true).add(1e-12).rsqrt()) as Tensor2D;

function initialValues({ shape, init }: ParameterSpec, random: Random): Float32Array {
  const size = shape.reduce((a, b) => a * b, 1);
  const std = init === "xavier" ? Math.sqrt(2 / (shape[0] + shape[1])) : init;
  return Float32Array.from({ length: size }, () => (std === 0 ? 0 : std * random.normal()));
}

function readJson(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new EtalonError(
      "NOT_FOUND",
      { argument: "file", value: file, allowed: "a file that can be read" },
      { cause },
    );
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EtalonError("BAD_FILE", { argument: "file", value: file, allowed: "JSON" }, { cause });
  }
}
