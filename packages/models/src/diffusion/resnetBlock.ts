import { resnetLayer, silu, type Tensor, tf } from "@etalon/engine";
import type { Net } from "../nn/Net.ts";

/** How a residual block is built. */
export interface ResnetOptions {
  groups: number;
  epsilon: number;
  /** Width of the time embedding; undefined: the block knows no time. */
  timeWidth?: number;
  /** Whether time scales and shifts the second norm, in place of being added before it. */
  scaleShift?: boolean;
  /** What the sum is divided by. */
  outputScale?: number;
}

/**
 * diffusers' ResnetBlock2D: norm, SiLU, conv, time, norm, SiLU, conv, plus the input (through a convolution of one pixel where the widths differ).
 * @returns a function of x, float32 [batch, height, width, inputs], and of SiLU(time embedding), [batch, timeWidth]
 */
export function resnetBlock(net: Net, name: string, inputs: number, outputs: number, options: ResnetOptions) {
  const { groups, epsilon, timeWidth, scaleShift = false, outputScale = 1 } = options;
  const norm1 = net.groupNorm(`${name}.norm1`, inputs, groups, epsilon, true);
  const conv1 = net.window(`${name}.conv1`, inputs, outputs, 3);
  const time = timeWidth === undefined ? undefined : net.linear(`${name}.time_emb_proj`, timeWidth, scaleShift ? 2 * outputs : outputs); // biome-ignore format: one thought
  const norm2 = net.groupNorm(`${name}.norm2`, outputs, groups, epsilon, !scaleShift);
  const conv2 = net.window(`${name}.conv2`, outputs, outputs, 3);
  const shortcut =
    inputs === outputs ? undefined : net.linear(`${name}.conv_shortcut`, inputs, outputs, { pixel: true });
  /** Step by step: where time scales, or where an adapter is on a convolution. */
  const stepwise = (x: Tensor, embedding?: Tensor): Tensor => {
    const moved = embedding && time?.(embedding).expandDims(1).expandDims(1);
    let hidden = conv1(norm1(x));
    if (moved && scaleShift) {
      const [scale, shift] = tf.split(moved, 2, 3);
      hidden = silu(norm2(hidden).mul(scale.add(1)).add(shift));
    } else hidden = norm2(moved ? hidden.add(moved) : hidden);
    return (shortcut?.(x) ?? x).add(conv2(hidden));
  };
  return (x: Tensor, embedding?: Tensor): Tensor => {
    const [first, second] = [conv1.tensors(), conv2.tensors()];
    const layers = first && second && { norm1: norm1.tensors(), conv1: first, time: time?.tensors(), norm2: norm2.tensors(), conv2: second, shortcut: shortcut?.tensors() }; // biome-ignore format: one thought
    const sum = layers && !scaleShift ? resnetLayer(x, layers, { groups, epsilon }, embedding) : stepwise(x, embedding);
    return outputScale === 1 ? sum : sum.div(outputScale);
  };
}
