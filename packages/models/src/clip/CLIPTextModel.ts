import {
  attentionLayer,
  geluErf,
  linearLayer,
  silu,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tf,
} from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { Net } from "../nn/Net.ts";
import { NetModel } from "../nn/NetModel.ts";
import { type ClipTextConfig, clipTextConfig } from "./clipTextConfig.ts";

/** What the text encoder gives. */
export interface ClipTextOutputs {
  /** After the last norm, float32 [batch, tokens, width]. */
  lastHiddenState: Tensor3D;
  /** The row of the end of the text, float32 [batch, width]. */
  poolerOutput: Tensor2D;
  /** The embeddings and every layer's output, before the last norm, where they were asked for. */
  hiddenStates?: Tensor3D[];
}

/** CLIP's text encoder (Radford et al., arXiv:2103.00020): transformers' CLIPTextModel, in float32. */
export class CLIPTextModel extends NetModel<object> {
  readonly details: ClipTextConfig;
  readonly #layers: ReturnType<typeof textLayers>;

  /** @param config  config.json's fields    @throws EtalonError BAD_CONFIG, OUT_OF_RANGE, UNSUPPORTED: names the option and its value */
  constructor(config: object) {
    const net = new Net();
    const targets = ["q_proj", "k_proj", "v_proj", "out_proj"];
    super(config, net, { part: "text_encoder", targets, aliases: (name) => [name.replace("text_model.", "")] });
    this.details = clipTextConfig(config);
    this.#layers = textLayers(net, this.details);
  }

  /**
   * @param inputIds  whole numbers [batch, tokens], at most max_position_embeddings tokens    @throws EtalonError BAD_SHAPE, OUT_OF_RANGE: no such token
   */
  forward({ inputIds }: { inputIds: Tensor }, { hiddenStates = false } = {}): ClipTextOutputs {
    const { positions, eos } = this.details;
    const [batch, tokens] = inputIds.shape as number[];
    if (inputIds.rank !== 2 || tokens === 0 || tokens > positions)
      throw new EtalonError("BAD_SHAPE", { argument: "inputIds", value: inputIds.shape, allowed: `[batch, 1 to ${positions}]` }); // biome-ignore format: one thought
    const ids = Int32Array.from(inputIds.dataSync());
    const outputs = tf.tidy(() => {
      const { embed, layers, norm } = this.#layers;
      let x = embed(ids, batch, tokens);
      const states = [x];
      for (const layer of layers) {
        x = layer(x);
        states.push(x);
      }
      const last = norm(x) as Tensor3D;
      const rows = Int32Array.from({ length: batch }, (_, i) => i * tokens + endOf(ids.subarray(i * tokens, (i + 1) * tokens), eos)); // biome-ignore format: one thought
      const pooled = tf.gather(last.reshape([batch * tokens, -1]), tf.tensor1d(rows, "int32")) as Tensor2D;
      return [last, pooled, ...(hiddenStates ? states : [])];
    });
    const [lastHiddenState, poolerOutput, ...states] = outputs;
    return {
      lastHiddenState: lastHiddenState as Tensor3D,
      poolerOutput: poolerOutput as Tensor2D,
      ...(hiddenStates && { hiddenStates: states as Tensor3D[] }),
    };
  }
}

/** Where a text ends: at its first end-of-text token; where the config says 2, as configs made before transformers 4.31 do, at its largest id. */
function endOf(ids: Int32Array, eos: number): number {
  return eos === 2 ? ids.indexOf(Math.max(...ids)) : Math.max(0, ids.indexOf(eos));
}

function textLayers(net: Net, config: ClipTextConfig) {
  const { vocabulary, positions, width, layers, epsilon } = config;
  const words = net.table("text_model.embeddings.token_embedding", vocabulary, width);
  const places = net.table("text_model.embeddings.position_embedding", positions, width);
  const blocks = Array.from({ length: layers }, (_, i) => textLayer(net, `text_model.encoder.layers.${i}`, config));
  return {
    embed: (ids: Int32Array, batch: number, tokens: number) =>
      words(ids).reshape([batch, tokens, width]).add(places(Int32Array.from({ length: tokens }, (_, i) => i))),
    layers: blocks,
    norm: net.layerNorm("text_model.final_layer_norm", width, epsilon),
  }; // biome-ignore format: one thought
}

function textLayer(net: Net, name: string, { width, inner, heads, activation, epsilon }: ClipTextConfig) {
  const norm1 = net.layerNorm(`${name}.layer_norm1`, width, epsilon);
  const [q, k, v, out] = ["q_proj", "k_proj", "v_proj", "out_proj"].map((part) => net.linear(`${name}.self_attn.${part}`, width, width)); // biome-ignore format: one thought
  const norm2 = net.layerNorm(`${name}.layer_norm2`, width, epsilon);
  const [up, down] = [net.linear(`${name}.mlp.fc1`, width, inner), net.linear(`${name}.mlp.fc2`, inner, width)];
  const active = activation === "gelu" ? geluErf : quickGelu;
  return net.block([name], (x: Tensor) => {
    const layers = { norm: norm1.tensors(), q: q.tensors(), k: k.tensors(), v: v.tensors(), out: out.tensors() };
    const looked = attentionLayer(x, layers, { heads, causal: true });
    return linearLayer(active(up(norm2(looked))), down.tensors(), looked);
  });
}

/** x·sigmoid(1.702·x): SiLU of 1.702·x over 1.702. */
const quickGelu = (x: Tensor): Tensor => silu(x.mul(1.702)).mul(1 / 1.702);
