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
  /** Whether layers of several steps are one kernel, which keeps little: on the native engine. Elsewhere every step keeps its values, and attention its scores. */
  fused: boolean;
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

/** Values of a sample that a block makes, and of its weights. */
interface Block {
  /** Its result. */
  output: number;
  /** Kept for the gradient within it, its result among them. */
  kept: number;
  /** Gradients of these. */
  gradients: number;
  /** What its largest kernel works in. */
  scratch: number;
  weights: number;
}

/**
 * The peak of an update's memory, from the config alone. With blocks that run again (docs/memory.md):
 *   weights + 4·(adapter + gradient + two moments) + 2·4·batch·Σ outputs of blocks + 4·batch·(kept + gradients + scratch of the largest block) + 4·(its weights)
 * The factor 2 stands for values and their gradients, which TensorFlow.js keeps to the end of a backward pass. Without, what all blocks keep is there at once.
 */
export function updateMemory(config: UNetConfig, size: UpdateSize): UpdateMemory {
  const blocks = blocksOf(config, size);
  const { batch, weights, trained, adapter, checkpointing } = size;
  const sum = (pick: (block: Block) => number) => blocks.reduce((total, block) => total + pick(block), 0);
  const most = (pick: (block: Block) => number) => Math.max(...blocks.map(pick));
  const within = (block: Block) => 4 * batch * (block.kept + block.gradients) + 4 * block.weights;
  const working = (block: Block) => 4 * batch * block.scratch;
  const parts = {
    weights,
    training: 4 * trained * (adapter ? 4 : 3),
    kept: checkpointing ? 8 * batch * sum(({ output }) => output) : sum(within),
    block: checkpointing ? most((block) => within(block) + working(block)) : most(working),
  };
  return { ...parts, total: Object.values(parts).reduce((a, b) => a + b) };
}

function blocksOf(config: UNetConfig, size: UpdateSize): Block[] {
  const { levels } = config;
  const n = levels.length;
  const pixels = (i: number) => Math.ceil(size.height / 2 ** i) * Math.ceil(size.width / 2 ** i);
  const blocks: Block[] = [plain(levels[0].channels, pixels(0), config.inChannels, config.convIn)];
  for (const [i, level] of levels.entries()) {
    const before = levels[Math.max(0, i - 1)].channels;
    for (let j = 0; j < level.layers; j++) blocks.push(layer(config, size, level, { inputs: j === 0 ? before : level.channels, pixels: pixels(i), attention: level.downAttention })); // biome-ignore format: one thought
    if (i < n - 1) blocks.push(plain(level.channels, pixels(i + 1), level.channels, 3));
  }
  const last = levels[n - 1];
  const inMiddle = { inputs: last.channels, pixels: pixels(n - 1) };
  const [middle, second] = [true, false].map((attention) => layer(config, size, last, { ...inMiddle, attention }));
  blocks.push({
    output: middle.output,
    kept: middle.kept + second.kept,
    gradients: middle.gradients + second.gradients,
    scratch: Math.max(middle.scratch, second.scratch),
    weights: middle.weights + second.weights,
  });
  for (let i = n - 1; i >= 0; i--) {
    const level = levels[i];
    const [previous, next] = [levels[Math.min(n - 1, i + 1)].channels, levels[Math.max(0, i - 1)].channels];
    for (let j = 0; j <= level.layers; j++) {
      const beside = j === level.layers ? next : level.channels;
      const inputs = (j === 0 ? previous : level.channels) + beside;
      blocks.push(
        layer(config, size, level, { inputs, pixels: pixels(i), attention: level.upAttention, joined: true }),
      );
    }
    if (i > 0) blocks.push(plain(level.channels, pixels(i - 1), 2 * level.channels, 3));
  }
  const end = levels[0].channels * pixels(0);
  blocks.push({ output: 2 * end, kept: 2 * end, gradients: 2 * end, scratch: 0, weights: 0 });
  return blocks;
}

/** A convolution alone. */
function plain(channels: number, pixels: number, inputs: number, kernel: number): Block {
  const output = channels * pixels;
  const all = output + inputs * pixels;
  return { output, kept: all, gradients: all, scratch: 0, weights: inputs * channels * kernel * kernel };
}

/** Where a block is, and of what: `joined` with values of the way down. */
interface Place {
  inputs: number;
  pixels: number;
  attention: boolean;
  joined?: boolean;
}

/** A residual block, and a transformer where there is one. */
function layer({ timeWidth }: UNetConfig, size: UpdateSize, level: UNetLevel, place: Place): Block {
  const { channels, transformerLayers, contextWidth, heads } = level;
  const { inputs, pixels, attention } = place;
  const weights = 9 * channels * (inputs + channels) + timeWidth * channels + (inputs === channels ? 0 : inputs * channels);
  const looking = transformerLayers * channels * (18 * channels + 2 * contextWidth) + 2 * channels * channels;
  const values = size.fused ? fusedValues(place, channels, transformerLayers) : stepValues(place, channels, transformerLayers);
  // Of a self-attention step by step: scores, their softmax, both turned, and the gradients of all; measured.
  const scores = size.fused || !attention ? 0 : 8 * transformerLayers * heads * pixels * pixels;
  return {
    output: pixels * channels,
    kept: values.kept + scores,
    gradients: values.gradients,
    scratch: values.scratch,
    weights: weights + (attention ? looking : 0),
  };
} // biome-ignore format: long lines

/** Layers in one kernel each. */
function fusedValues({ inputs, pixels, attention, joined = false }: Place, channels: number, layers: number) {
  // The pictures joined, the residual block's result, and what goes into its second norm.
  const residual = { kept: (joined ? inputs : 0) + 2 * channels, gradients: (joined ? 2 : 1) * inputs + channels };
  // The transformer's norm and projections, and a layer: three results; queries, keys, values and what they saw; queries and what they saw; 8 of the MLP.
  const looking = attention ? { kept: channels * (3 + 17 * layers), gradients: channels * (3 + 3 * layers) } : { kept: 0, gradients: 0 };
  return {
    kept: pixels * (residual.kept + looking.kept),
    gradients: pixels * (residual.gradients + looking.gradients),
    scratch: pixels * Math.max(inputs + channels, attention ? 19 * channels : 0),
  };
} // biome-ignore format: long lines

/** Every step by itself: of each value that a layer makes some four are held, by the operations that it is made of and the transposes before their products (measured on wasm). */
function stepValues({ inputs, pixels, attention }: Place, channels: number, layers: number) {
  // A transformer's layer: three norms of three values, two attentions of seven, adapters of two a layer, two sums, a gated MLP of 8 + 4 + 1, a sum.
  const within = attention ? layers * (9 + 2 * 7 + 12 + 2 + 14) + 4 : 0;
  const all = 3.8 * pixels * (2 * inputs + 6 * channels + channels * within);
  return { kept: all, gradients: all, scratch: 0 };
}
