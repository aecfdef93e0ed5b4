import { multiHeadAttention, resizeNearest, type Tensor } from "@etalon/engine";
import { resnetBlock } from "../diffusion/resnetBlock.ts";
import type { Layer, Net } from "../nn/Net.ts";
import type { VaeConfig } from "./vaeConfig.ts";

const epsilon = 1e-6;

/** From pixels to the moments of the latent, [batch, height/2^n, width/2^n, 2·latent_channels]. */
export function encoder(net: Net, { inChannels, latentChannels, channels, layers, groups, midAttention }: VaeConfig): Layer {
  const last = channels[channels.length - 1];
  const steps: Layer[] = [net.conv("encoder.conv_in", inChannels, channels[0], 3)];
  for (const [i, width] of channels.entries()) {
    const name = `encoder.down_blocks.${i}`;
    for (let j = 0; j < layers; j++) {
      const inputs = j === 0 ? channels[Math.max(0, i - 1)] : width;
      steps.push(residual(net, `${name}.resnets.${j}`, inputs, width, groups));
    }
    if (i === channels.length - 1) continue;
    const pad = [0, 1, 0, 1] as const;
    const conv = net.conv(`${name}.downsamplers.0.conv`, width, width, 3, { stride: 2, pad });
    steps.push(net.block([`${name}.downsamplers`], conv));
  }
  steps.push(...middle(net, "encoder.mid_block", last, groups, midAttention));
  const norm = net.groupNorm("encoder.conv_norm_out", last, groups, epsilon, true);
  const out = net.conv("encoder.conv_out", last, 2 * latentChannels, 3);
  return inTurn([...steps, norm, out]);
} // biome-ignore format: long lines

/** From latents to pixels, [batch, 2^n·height, 2^n·width, out_channels]. */
export function decoder(net: Net, { outChannels, latentChannels, channels, layers, groups, midAttention }: VaeConfig): Layer {
  const widths = [...channels].reverse();
  const steps: Layer[] = [
    net.conv("decoder.conv_in", latentChannels, widths[0], 3),
    ...middle(net, "decoder.mid_block", widths[0], groups, midAttention),
  ];
  for (const [i, width] of widths.entries()) {
    const name = `decoder.up_blocks.${i}`;
    for (let j = 0; j <= layers; j++) {
      const inputs = j === 0 ? widths[Math.max(0, i - 1)] : width;
      steps.push(residual(net, `${name}.resnets.${j}`, inputs, width, groups));
    }
    if (i === widths.length - 1) continue;
    const conv = net.conv(`${name}.upsamplers.0.conv`, width, width, 3);
    const enlarge = (x: Tensor) => conv(resizeNearest(x, 2 * (x.shape[1] as number), 2 * (x.shape[2] as number)));
    steps.push(net.block([`${name}.upsamplers`], enlarge));
  }
  const last = widths[widths.length - 1];
  const norm = net.groupNorm("decoder.conv_norm_out", last, groups, epsilon, true);
  const out = net.conv("decoder.conv_out", last, outChannels, 3);
  return inTurn([...steps, norm, out]);
} // biome-ignore format: long lines

const inTurn =
  (steps: readonly Layer[]): Layer =>
  (x) =>
    steps.reduce((value, step) => step(value), x);

function residual(net: Net, name: string, inputs: number, outputs: number, groups: number): Layer {
  const block = resnetBlock(net, name, inputs, outputs, { groups, epsilon });
  return net.block([name], (x: Tensor) => block(x));
}

function middle(net: Net, name: string, width: number, groups: number, withAttention: boolean): Layer[] {
  const first = residual(net, `${name}.resnets.0`, width, width, groups);
  const look = withAttention ? [attention(net, `${name}.attentions.0`, width, groups)] : [];
  return [first, ...look, residual(net, `${name}.resnets.1`, width, width, groups)];
}

/** Attention of one head over all pixels, plus the input. */
function attention(net: Net, name: string, width: number, groups: number): Layer {
  const norm = net.groupNorm(`${name}.group_norm`, width, groups, epsilon);
  const [q, k, v, out] = ["to_q", "to_k", "to_v", "to_out.0"].map((part) => net.linear(`${name}.${part}`, width, width));
  return net.block([name], (x: Tensor) => {
    const [batch, rows, columns] = x.shape as number[];
    const pixels = norm(x).reshape([batch, rows * columns, width]);
    return out(multiHeadAttention(q(pixels), k(pixels), v(pixels), 1)).reshape(x.shape).add(x);
  });
} // biome-ignore format: long lines
