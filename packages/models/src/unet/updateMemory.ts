import type { UNetConfig, UNetLevel } from "./unetConfig.ts";

/** What is trained, and on how much at once. */
export interface UpdateSize {
  /** Samples in one forward and backward pass, times 2 with guidance: both passes are kept. */
  batch: number;
  /** Pixels of a latent. */
  height: number;
  width: number;
  /** Bytes of the weights at rest. */
  weights: number;
  /** Values that are trained, and whether they are an adapter's. */
  trained: number;
  adapter: boolean;
  /** Whether blocks keep only their inputs. */
  checkpointing: boolean;
}

/** Bytes of an update by what they hold. */
export interface UpdateMemory {
  weights: number;
  /** Trained values beside the weights, their gradients and AdamW's two moments. */
  training: number;
  /** What is kept of the forward pass for the gradient, and its gradients. */
  kept: number;
  /** The largest block while it runs again and back: its values, their gradients and its unpacked weights. */
  block: number;
  total: number;
}

interface Block {
  /** Values of a sample: of the block's result, and of all that is made within. */
  output: number;
  inner: number;
  /** Values of its weights. */
  weights: number;
}

/**
 * The peak of an update's memory, from the config alone. With blocks that run again (docs/memory.md):
 *   weights + 4·(adapter + gradient + two moments) + 2·4·batch·Σ outputs of blocks + 1.2·2·4·batch·(values within the largest block) + 4·(its weights)
 * The factor 2 stands for values and their gradients, which TensorFlow.js keeps to the end of a backward pass, 1.2 for what sums and kernels hold in passing (measured).
 * Without, the values within all blocks are kept at once.
 */
export function updateMemory(config: UNetConfig, size: UpdateSize): UpdateMemory {
  const blocks = blocksOf(config, size);
  const { batch, weights, trained, adapter, checkpointing } = size;
  const sum = (pick: (block: Block) => number) => blocks.reduce((total, block) => total + pick(block), 0);
  const within = (block: Block) => 1.2 * 8 * batch * block.inner + 4 * block.weights;
  const largest = Math.max(...blocks.map(within));
  const kept = checkpointing ? 8 * batch * sum(({ output }) => output) : sum(within);
  const parts = { weights, training: 4 * trained * (adapter ? 4 : 3), kept, block: checkpointing ? largest : 0 };
  return { ...parts, total: Object.values(parts).reduce((a, b) => a + b) };
}

function blocksOf(config: UNetConfig, size: UpdateSize): Block[] {
  const { levels } = config;
  const n = levels.length;
  const pixels = (i: number) => Math.ceil(size.height / 2 ** i) * Math.ceil(size.width / 2 ** i);
  const blocks: Block[] = [plain(levels[0].channels, pixels(0), config.inChannels, config.convIn)];
  for (const [i, level] of levels.entries()) {
    const before = levels[Math.max(0, i - 1)].channels;
    for (let j = 0; j < level.layers; j++) blocks.push(layer(config, level, j === 0 ? before : level.channels, pixels(i), level.downAttention, size.adapter)); // biome-ignore format: one thought
    if (i < n - 1) blocks.push(plain(level.channels, pixels(i + 1), level.channels, 3));
  }
  const last = levels[n - 1];
  const middle = layer(config, last, last.channels, pixels(n - 1), true, size.adapter);
  const second = layer(config, last, last.channels, pixels(n - 1), false, size.adapter);
  blocks.push({ output: middle.output, inner: middle.inner + second.inner, weights: middle.weights + second.weights });
  for (let i = n - 1; i >= 0; i--) {
    const level = levels[i];
    const [previous, next] = [levels[Math.min(n - 1, i + 1)].channels, levels[Math.max(0, i - 1)].channels];
    for (let j = 0; j <= level.layers; j++) {
      const inputs = (j === 0 ? previous : level.channels) + (j === level.layers ? next : level.channels);
      blocks.push(layer(config, level, inputs, pixels(i), level.upAttention, size.adapter));
    }
    if (i > 0) blocks.push(plain(level.channels, pixels(i - 1), 2 * level.channels, 3));
  }
  blocks.push({ output: 2 * levels[0].channels * pixels(0), inner: 2 * levels[0].channels * pixels(0), weights: 0 });
  return blocks;
}

/** A convolution alone. */
function plain(channels: number, pixels: number, inputs: number, kernel: number): Block {
  const output = channels * pixels;
  return { output, inner: output + inputs * pixels, weights: inputs * channels * kernel * kernel };
}

/** A residual block, and a transformer where there is one. */
function layer({ timeWidth }: UNetConfig, level: UNetLevel, inputs: number, pixels: number, attention: boolean, adapter: boolean): Block {
  const { channels, transformerLayers, contextWidth } = level;
  const residual = pixels * (2 * inputs + 6 * channels);
  // A transformer's layer: three norms of three values, two attentions of five (and two more a layer that is adapted), two sums, a gated MLP of 8 + 4 + 1, a sum.
  const within = transformerLayers * (9 + 2 * 5 + 2 + 14 + (adapter ? 16 : 0)) + 4;
  const weights = 9 * channels * (inputs + channels) + timeWidth * channels + (inputs === channels ? 0 : inputs * channels);
  const looking = transformerLayers * channels * (18 * channels + 2 * contextWidth) + 2 * channels * channels;
  return {
    output: pixels * channels,
    inner: residual + (attention ? pixels * channels * within : 0),
    weights: weights + (attention ? looking : 0),
  };
} // biome-ignore format: long lines
