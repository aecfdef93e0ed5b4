import { adaptiveLinear, combinedEmbedding, doubleStreamLayer, embedding, embedTokens, fromPatches, type LinearLayer, type LowRank, peek, type StreamTensors, singleStreamLayer, type Tensor, type Tensor2D, type Tensor3D, type Tensor4D, tf, toPatches } from "@etalon/engine"; // biome-ignore format: one import
import { EtalonError } from "@etalon/errors";
import { ParameterStore } from "../ParameterStore.ts";
import { Random } from "../random.ts";
import { type ParameterSpec, parameterSpecs, type TinyConfig } from "./config.ts";
import { timeWave } from "./timeWave.ts";

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

/** What adapters add to a linear layer. */
export type Adapters = (name: string) => LowRank | undefined;

/** How the blocks are built: SiLU in place of FLUX's GELU. */
const activation = "silu";

const isTable = (name: string) => name === "word_embedder.weight" || name.endsWith("pos_embed.weight");

/**
 * The tiny default's network: an MMDiT of FLUX's build (Esser et al., arXiv:2403.03206; diffusers' FluxTransformer2DModel) on pixel patches, with learned positions in
 * place of rotary ones, SiLU in place of GELU, no query-key norm, and words in place of T5. It predicts x0.
 */
export class TinyTransformer2DModel {
  readonly config: TinyConfig;
  readonly parameters: ParameterStore;
  /** Set by an adapter; see lora/LoraAdapter. */
  adapters: Adapters | undefined;
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
    const { sample_size, patch_size, in_channels, num_layers, num_single_layers } = this.config;
    if (hiddenStates.shape.slice(1).join() !== [sample_size, sample_size, in_channels].join()) {
      throw new EtalonError("BAD_SHAPE", {
        argument: "hiddenStates",
        value: hiddenStates.shape,
        allowed: `[batch, ${sample_size}, ${sample_size}, ${in_channels}]`,
      });
    }
    const condition = this.#condition(timestep, pooled);
    const tokens = (x: Tensor, name: string, positions: string) => ({
      x,
      layer: this.#layer(name),
      positions: this.parameters.get(`${positions}.weight`),
    });
    let x = embedTokens([
      tokens(words, "context_embedder", "context_pos_embed"),
      tokens(toPatches(hiddenStates, patch_size), "x_embedder", "pos_embed"),
    ]);
    const options = { heads: this.config.num_attention_heads, activation } as const;
    const contextRows = words.shape[1];
    for (let i = 0; i < num_layers; i++) x = doubleStreamLayer(x, condition, this.#streams(i), { ...options, contextRows }); // biome-ignore format: one thought
    for (let i = 0; i < num_single_layers; i++) x = singleStreamLayer(x, condition, this.#single(i), options);
    const end = { norm: this.#layer("norm_out.linear"), out: this.#layer("proj_out") };
    const patches = adaptiveLinear(x, condition, end, { skip: contextRows });
    return { sample: fromPatches(patches, patch_size, [sample_size, sample_size, in_channels]) };
  }

  dispose(): void {
    this.parameters.dispose();
  }

  #layer(name: string): LinearLayer {
    const [w, b] = [this.parameters.get(`${name}.weight`), this.parameters.get(`${name}.bias`)];
    const adapter = this.adapters?.(name);
    return { w: w as unknown as Tensor2D, b, adapters: adapter && [adapter] };
  }

  /** What the blocks are conditioned on, float32 [batch, d]: the time, as a wave, and the mean of the words. */
  #condition(timestep: Tensor, pooled: Tensor2D): Tensor {
    const mlp = (name: string) => ({
      first: this.#layer(`time_text_embed.${name}.linear_1`),
      second: this.#layer(`time_text_embed.${name}.linear_2`),
    });
    const wave = timeWave(peek(timestep), this.config.time_dim);
    return combinedEmbedding([
      { x: wave, ...mlp("timestep_embedder") },
      { x: pooled, ...mlp("text_embedder") },
    ]);
  }

  #streams(i: number): { context: StreamTensors; image: StreamTensors } {
    const at = `transformer_blocks.${i}`;
    const stream = (norm: string, [q, k, v, out]: string[], ff: string): StreamTensors => ({
      norm: this.#layer(`${at}.${norm}.linear`),
      q: this.#layer(`${at}.attn.${q}`),
      k: this.#layer(`${at}.attn.${k}`),
      v: this.#layer(`${at}.attn.${v}`),
      out: this.#layer(`${at}.attn.${out}`),
      up: this.#layer(`${at}.${ff}.net.0.proj`),
      down: this.#layer(`${at}.${ff}.net.2`),
    });
    return {
      context: stream("norm1_context", ["add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"], "ff_context"),
      image: stream("norm1", ["to_q", "to_k", "to_v", "to_out.0"], "ff"),
    };
  }

  #single(i: number) {
    const at = `single_transformer_blocks.${i}`;
    return {
      norm: this.#layer(`${at}.norm.linear`),
      q: this.#layer(`${at}.attn.to_q`),
      k: this.#layer(`${at}.attn.to_k`),
      v: this.#layer(`${at}.attn.to_v`),
      up: this.#layer(`${at}.proj_mlp`),
      out: this.#layer(`${at}.proj_out`),
    };
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
