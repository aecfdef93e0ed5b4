import { attentionLayer, feedForwardLayer, linearLayer, type Tensor } from "@etalon/engine";
import type { Net } from "../nn/Net.ts";

/** How a spatial transformer is built. */
export interface TransformerOptions {
  channels: number;
  heads: number;
  layers: number;
  contextWidth: number;
  groups: number;
  linearProjection: boolean;
  onlyCross: boolean;
}

/**
 * diffusers' Transformer2DModel over pixels: norm, projection, layers of self-attention, attention to the text and a gated MLP, projection, plus the input.
 * @returns a function of x, float32 [batch, height, width, channels], and of the text, [batch, tokens, contextWidth]
 */
export function transformerBlock(net: Net, name: string, options: TransformerOptions) {
  const { channels, heads, layers, contextWidth, groups, linearProjection, onlyCross } = options;
  const pixel = !linearProjection;
  const norm = net.groupNorm(`${name}.norm`, channels, groups, 1e-6);
  const projIn = net.linear(`${name}.proj_in`, channels, channels, { pixel });
  const inner = Array.from({ length: layers }, (_, i) =>
    basicBlock(net, `${name}.transformer_blocks.${i}`, { channels, heads, contextWidth, onlyCross }),
  );
  const projOut = net.linear(`${name}.proj_out`, channels, channels, { pixel });
  return (x: Tensor, context: Tensor): Tensor => {
    let tokens = projIn(norm(x));
    for (const block of inner) tokens = block(tokens, context);
    return linearLayer(tokens, projOut.tensors(), x);
  };
}

function basicBlock(
  net: Net,
  name: string,
  { channels, heads, contextWidth, onlyCross }: Pick<TransformerOptions, "channels" | "heads" | "contextWidth" | "onlyCross">,
) {
  const norm1 = net.layerNorm(`${name}.norm1`, channels);
  const first = attention(net, `${name}.attn1`, channels, onlyCross ? contextWidth : channels);
  const norm2 = net.layerNorm(`${name}.norm2`, channels);
  const second = attention(net, `${name}.attn2`, channels, contextWidth);
  const norm3 = net.layerNorm(`${name}.norm3`, channels);
  const up = net.linear(`${name}.ff.net.0.proj`, channels, 8 * channels);
  const down = net.linear(`${name}.ff.net.2`, 4 * channels, channels);
  return (x: Tensor, context: Tensor): Tensor => {
    const looked = attentionLayer(x, { norm: norm1.tensors(), ...first() }, { heads }, onlyCross ? context : undefined);
    const told = attentionLayer(looked, { norm: norm2.tensors(), ...second() }, { heads }, context);
    return feedForwardLayer(told, { norm: norm3.tensors(), up: up.tensors(), down: down.tensors() });
  };
} // biome-ignore format: long lines

function attention(net: Net, name: string, channels: number, contextWidth: number) {
  const q = net.linear(`${name}.to_q`, channels, channels, { bias: false });
  const k = net.linear(`${name}.to_k`, contextWidth, channels, { bias: false });
  const v = net.linear(`${name}.to_v`, contextWidth, channels, { bias: false });
  const out = net.linear(`${name}.to_out.0`, channels, channels);
  return () => ({ q: q.tensors(), k: k.tensors(), v: v.tensors(), out: out.tensors() });
}
