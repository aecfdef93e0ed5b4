import {
  type Activation,
  activate,
  embedding,
  gatedResidual,
  layerNormModulate,
  linear,
  multiHeadAttention,
  silu,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tf,
} from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { ParameterStore } from "../ParameterStore.ts";
import { Random } from "../random.ts";
import { type ParameterSpec, parameterSpecs, type TinyConfig } from "./config.ts";

/** What the transformer takes. */
export interface TinyInputs {
  /** Noisy image, float32 [batch, size, size, channels]. */
  hiddenStates: Tensor4D;
  /** Time in [0, 1], float32 [batch]. */
  timestep: Tensor;
  /** Word embeddings, float32 [batch, max_words, word_dim], and their mean over the words there are, float32 [batch, word_dim]. */
  words: Tensor3D;
  pooled: Tensor2D;
}

/** Adds an adapter's part to a linear layer's output. */
export type LinearHook = (name: string, input: Tensor, output: Tensor) => Tensor;

const isTable = (name: string) => name === "word_embedder.weight" || name.endsWith("pos_embed.weight");

/**
 * The tiny default's network: an MMDiT of FLUX's build (Esser et al., arXiv:2403.03206; diffusers' FluxTransformer2DModel) on pixel patches, with learned positions in
 * place of rotary ones, SiLU in place of GELU, no query-key norm, and words in place of T5. It predicts x0.
 */
export class TinyTransformer2DModel {
  readonly config: TinyConfig;
  readonly parameters: ParameterStore;
  /** Set by an adapter; see lora/LoraAdapter. */
  hook: LinearHook | undefined;
  readonly #specs: ParameterSpec[];

  constructor(config: TinyConfig) {
    this.config = config;
    this.#specs = parameterSpecs(config);
    this.parameters = new ParameterStore(isTable);
  }

  /** Fills the parameters with their initial values: adaptive norms and the output zero, so that a new model predicts nothing. */
  initialise(seed: number): this {
    for (const [i, spec] of this.#specs.entries()) this.parameters.add(spec, initialValues(spec, new Random(seed, i)));
    return this;
  }

  /** Reads the weights, F32 or F16. @throws EtalonError BAD_FILE */
  load(file: string): this {
    this.parameters.load(file, this.#specs);
    return this;
  }

  /** Word embeddings of token ids, int32 [batch × max_words] row by row, differentiable in the table where it is trained. */
  embedWords(ids: Int32Array): { words: Tensor3D; pooled: Tensor2D } {
    const { max_words, word_dim } = this.config;
    const table = this.parameters.get("word_embedder.weight") as unknown as Tensor2D;
    return tf.tidy(() => {
      const words = embedding(ids, table).reshape([-1, max_words, word_dim]) as Tensor3D;
      const present = tf.tensor(
        Float32Array.from(ids, (id) => (id > 0 ? 1 : 0)),
        [ids.length / max_words, max_words, 1],
      );
      const pooled = words.mul(present).sum(1).div(present.sum(1)) as Tensor2D;
      return { words, pooled };
    });
  }

  /** Predicted x0, float32 [batch, size, size, channels]. */
  forward({ hiddenStates, timestep, words, pooled }: TinyInputs): { sample: Tensor4D } {
    const { sample_size, in_channels, num_layers, num_single_layers } = this.config;
    if (hiddenStates.shape.slice(1).join() !== [sample_size, sample_size, in_channels].join()) {
      throw new EtalonError("BAD_SHAPE", {
        argument: "hiddenStates",
        value: hiddenStates.shape,
        allowed: `[batch, ${sample_size}, ${sample_size}, ${in_channels}]`,
      });
    }
    const condition = silu(this.#condition(timestep, pooled));
    let image = this.#linear("x_embedder", this.#patchify(hiddenStates)).add(this.parameters.get("pos_embed.weight"));
    let text = this.#linear("context_embedder", words).add(this.parameters.get("context_pos_embed.weight"));
    for (let i = 0; i < num_layers; i++)
      [image, text] = this.#doubleBlock(`transformer_blocks.${i}`, image, text, condition);
    let joint = tf.concat([text, image], 1);
    for (let i = 0; i < num_single_layers; i++)
      joint = this.#singleBlock(`single_transformer_blocks.${i}`, joint, condition);
    const [scale, shift] = this.#modulation("norm_out", condition, 2);
    const out = joint.slice([0, text.shape[1] as number, 0]);
    return { sample: this.#unpatchify(this.#linear("proj_out", layerNormModulate(out, scale, shift))) };
  }

  dispose(): void {
    this.parameters.dispose();
  }

  #linear(name: string, x: Tensor, activation?: Activation): Tensor {
    const [weight, bias] = [this.parameters.get(`${name}.weight`), this.parameters.get(`${name}.bias`)];
    if (!this.hook) return linear(x, weight as unknown as Tensor2D, bias, activation);
    const y = this.hook(name, x, linear(x, weight as unknown as Tensor2D, bias));
    return activation === undefined ? y : activate(y, activation);
  }

  #condition(timestep: Tensor, pooled: Tensor2D): Tensor {
    const half = this.config.time_dim / 2;
    const rates = tf.tensor1d(Float32Array.from({ length: half }, (_, i) => 1000 * 10_000 ** (-i / half)));
    const angles = timestep.reshape([-1, 1]).mul(rates);
    const wave = tf.concat([angles.cos(), angles.sin()], 1);
    const embed = (name: string, x: Tensor) =>
      this.#linear(`time_text_embed.${name}.linear_2`, this.#linear(`time_text_embed.${name}.linear_1`, x, "silu"));
    return embed("timestep_embedder", wave).add(embed("text_embedder", pooled));
  }

  /** The shifts, scales and gates of an adaptive norm, each [batch, 1, d]. */
  #modulation(name: string, condition: Tensor, parts: number): Tensor[] {
    return tf.split(this.#linear(`${name}.linear`, condition).expandDims(1), parts, 2);
  }

  #doubleBlock(at: string, image: Tensor, text: Tensor, condition: Tensor): [Tensor, Tensor] {
    const streams = [
      { x: image, norm: `${at}.norm1`, qkv: ["to_q", "to_k", "to_v"], out: "to_out.0", ff: `${at}.ff` },
      {
        x: text,
        norm: `${at}.norm1_context`,
        qkv: ["add_q_proj", "add_k_proj", "add_v_proj"],
        out: "to_add_out",
        ff: `${at}.ff_context`,
      },
    ].map((stream) => {
      const [shift, scale, gate, shiftMlp, scaleMlp, gateMlp] = this.#modulation(stream.norm, condition, 6);
      const normed = layerNormModulate(stream.x, scale, shift);
      return {
        ...stream,
        gate,
        shiftMlp,
        scaleMlp,
        gateMlp,
        projected: stream.qkv.map((name) => this.#linear(`${at}.attn.${name}`, normed)),
      };
    });
    const [q, k, v] = [0, 1, 2].map((i) => tf.concat([streams[1].projected[i], streams[0].projected[i]], 1));
    const [fromText, fromImage] = tf.split(
      multiHeadAttention(q, k, v, this.config.num_attention_heads),
      [text.shape[1] as number, image.shape[1] as number],
      1,
    );
    const [newImage, newText] = streams.map(({ x, out, ff, gate, shiftMlp, scaleMlp, gateMlp }, i) => {
      const attended = gatedResidual(x, this.#linear(`${at}.attn.${out}`, i === 0 ? fromImage : fromText), gate);
      const hidden = this.#linear(`${ff}.net.0.proj`, layerNormModulate(attended, scaleMlp, shiftMlp), "silu");
      return gatedResidual(attended, this.#linear(`${ff}.net.2`, hidden), gateMlp);
    });
    return [newImage, newText];
  }

  #singleBlock(at: string, x: Tensor, condition: Tensor): Tensor {
    const [shift, scale, gate] = this.#modulation(`${at}.norm`, condition, 3);
    const normed = layerNormModulate(x, scale, shift);
    const [q, k, v] = ["to_q", "to_k", "to_v"].map((name) => this.#linear(`${at}.attn.${name}`, normed));
    const attended = multiHeadAttention(q, k, v, this.config.num_attention_heads);
    const hidden = this.#linear(`${at}.proj_mlp`, normed, "silu");
    return gatedResidual(x, this.#linear(`${at}.proj_out`, tf.concat([attended, hidden], 2)), gate);
  }

  /** [batch, size, size, channels] → [batch, patches, patch·patch·channels], patches and pixels row by row. */
  #patchify(x: Tensor4D): Tensor {
    const { sample_size, patch_size, in_channels } = this.config;
    const side = sample_size / patch_size;
    const rows = x.reshape([x.shape[0] * side, patch_size, side, patch_size * in_channels]).transpose([0, 2, 1, 3]);
    return rows.reshape([x.shape[0], side * side, patch_size * patch_size * in_channels]);
  }

  #unpatchify(x: Tensor): Tensor4D {
    const { sample_size, patch_size, in_channels } = this.config;
    const side = sample_size / patch_size;
    const rows = x
      .reshape([(x.shape[0] as number) * side, side, patch_size, patch_size * in_channels])
      .transpose([0, 2, 1, 3]);
    return rows.reshape([x.shape[0] as number, sample_size, sample_size, in_channels]) as Tensor4D;
  }
}

function initialValues({ shape, init }: ParameterSpec, random: Random): Float32Array {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  if (init === "zero") return values;
  if (init === "xavier") {
    const bound = Math.sqrt(6 / (shape[0] + shape[1]));
    return values.map(() => bound * (2 * random.uniform() - 1));
  }
  return values.map(() => init * random.normal());
}
