import { resizeNearest, type Tensor, tf } from "@etalon/engine";
import { resnetBlock } from "../diffusion/resnetBlock.ts";
import type { Net } from "../nn/Net.ts";
import { transformerBlock } from "./transformerBlock.ts";
import type { Observe } from "./UNet2DConditionModel.ts";
import type { UNetConfig, UNetLevel } from "./unetConfig.ts";

type Step = (x: Tensor, embedding: Tensor, context: Tensor) => Tensor;

/** All levels of the U-Net, down, through the middle, and up again with the values of the way down beside. */
export function unetBlocks(net: Net, config: UNetConfig) {
  const { levels } = config;
  const down = levels.map((level, i) => downBlock(net, config, i, level));
  const middle = midBlock(net, config);
  const up = levels.map((_, i) => upBlock(net, config, i));
  return (begun: Tensor, embedding: Tensor, context: Tensor, observe: Observe): Tensor => {
    const kept = [begun];
    let x = begun;
    for (const [i, steps] of down.entries()) {
      for (const step of steps) {
        x = step(x, embedding, context);
        kept.push(x);
      }
      observe(`down_blocks.${i}`, x);
    }
    x = middle(x, embedding, context);
    observe("mid_block", x);
    for (const [i, { steps, upsample }] of up.entries()) {
      for (const step of steps) x = step(x, kept.pop() as Tensor, embedding, context);
      if (upsample) x = upsample(x, kept[kept.length - 1]);
      observe(`up_blocks.${i}`, x);
    }
    return x;
  };
}

/** The options of a level's residual blocks and transformers. */
function parts(net: Net, config: UNetConfig, level: UNetLevel) {
  const { groups, epsilon, timeWidth, scaleShift, linearProjection } = config;
  const { channels, heads, contextWidth, onlyCross } = level;
  const resnet = (name: string, inputs: number, outputScale = 1) =>
    resnetBlock(net, name, inputs, channels, { groups, epsilon, timeWidth, scaleShift, outputScale });
  const transformer = (name: string, own = onlyCross) =>
    transformerBlock(net, name, { channels, heads, layers: level.transformerLayers, contextWidth, groups, linearProjection, onlyCross: own }); // biome-ignore format: one thought
  return { resnet, transformer };
}

function downBlock(net: Net, config: UNetConfig, i: number, level: UNetLevel): Step[] {
  const name = `down_blocks.${i}`;
  const { resnet, transformer } = parts(net, config, level);
  const before = config.levels[Math.max(0, i - 1)].channels;
  const steps = Array.from({ length: level.layers }, (_, j): Step => {
    const residual = resnet(`${name}.resnets.${j}`, j === 0 ? before : level.channels);
    const look = level.downAttention ? transformer(`${name}.attentions.${j}`) : undefined;
    return net.block([`${name}.resnets.${j}`, `${name}.attentions.${j}`], (x: Tensor, embedding: Tensor, context: Tensor) => {
      const hidden = residual(x, embedding);
      return look ? look(hidden, context) : hidden;
    }); // biome-ignore format: one thought
  });
  if (i === config.levels.length - 1) return steps;
  const pad = config.downPadding === 1 ? ([1, 1, 1, 1] as const) : ([0, 1, 0, 1] as const);
  const conv = net.conv(`${name}.downsamplers.0.conv`, level.channels, level.channels, 3, { stride: 2, pad });
  return [...steps, net.block([`${name}.downsamplers`], (x: Tensor) => conv(x))];
}

function midBlock(net: Net, config: UNetConfig): Step {
  const level = config.levels[config.levels.length - 1];
  const { resnet, transformer } = parts(net, config, level);
  const first = resnet("mid_block.resnets.0", level.channels, config.midScale);
  const look = transformer("mid_block.attentions.0", false);
  const second = resnet("mid_block.resnets.1", level.channels, config.midScale);
  return net.block(["mid_block"], (x: Tensor, embedding: Tensor, context: Tensor) =>
    second(look(first(x, embedding), context), embedding),
  );
}

function upBlock(net: Net, config: UNetConfig, i: number) {
  const name = `up_blocks.${i}`;
  const count = config.levels.length;
  const level = config.levels[count - 1 - i];
  const [previous, next] = [config.levels[Math.min(count - 1, count - i)], config.levels[Math.max(0, count - 2 - i)]];
  const { resnet, transformer } = parts(net, config, level);
  const steps = Array.from({ length: level.layers + 1 }, (_, j) => {
    const inputs = (j === 0 ? previous : level).channels + (j === level.layers ? next : level).channels;
    const residual = resnet(`${name}.resnets.${j}`, inputs);
    const look = level.upAttention ? transformer(`${name}.attentions.${j}`) : undefined;
    return net.block([`${name}.resnets.${j}`, `${name}.attentions.${j}`], (x: Tensor, kept: Tensor, embedding: Tensor, context: Tensor) => {
      const hidden = residual(tf.concat([x, kept], 3), embedding);
      return look ? look(hidden, context) : hidden;
    }); // biome-ignore format: one thought
  });
  if (i === count - 1) return { steps };
  const conv = net.conv(`${name}.upsamplers.0.conv`, level.channels, level.channels, 3);
  const enlarge = net.block([`${name}.upsamplers`], (x: Tensor, like: Tensor) =>
    conv(resizeNearest(x, like.shape[1] as number, like.shape[2] as number)),
  );
  return { steps, upsample: enlarge };
}
