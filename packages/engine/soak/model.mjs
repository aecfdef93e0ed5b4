import {
  adaptiveLinear,
  attentionLayer,
  combinedEmbedding,
  conv2d,
  doubleStreamLayer,
  embedding,
  embedTokens,
  feedForwardLayer,
  fromPatches,
  gatedResidual,
  geglu,
  groupNorm,
  layerNormModulate,
  linear,
  linearLayer,
  multiHeadAttention,
  recomputed,
  resizeNearest,
  resnetLayer,
  rmsNorm,
  rope,
  singleStreamLayer,
  tf,
  toPatches,
} from "@etalon/engine";

// A small network with a block of each kind that the models are made of: residual blocks of pixels, a U-Net's transformer, an MMDiT's double and single blocks, low-rank adapters.
const [batch, words, side, channels, width, heads, hidden] = [2, 2, 4, 4, 12, 3, 16];
const rows = words + (side / 2) ** 2;

/** The network's variables by name, and its loss on inputs that stay the same. */
export function makeModel() {
  const variables = new Map();
  const normal = (shape, deviation, seed) => tf.randomNormal(shape, 0, deviation, "float32", seed);
  const variable = (shape, deviation = 0.3) =>
    tf.tidy(() => {
      const made = tf.variable(normal(shape, deviation, variables.size));
      variables.set(`v${variables.size}`, made);
      return made;
    });
  const layer = (inputs, outputs, rank = 0) => {
    const pair = () => ({ down: variable([inputs, rank]), up: variable([rank, outputs]), scale: 0.5 });
    return { w: variable([inputs, outputs]), b: variable([outputs]), adapters: rank ? [pair()] : [] };
  };
  const norm = (size) => ({ gain: variable([size]), bias: variable([size]) });
  const conv = (inputs, outputs) => ({ filter: variable([3, 3, inputs, outputs], 0.1), bias: variable([outputs]) });
  const attending = (rank, context = width) => ({
    q: layer(width, width, rank),
    k: layer(context, width),
    v: layer(context, width, rank),
  });
  const mlp = { up: () => layer(width, hidden, 2), down: () => layer(hidden, width) };
  const stream = (rank) => ({
    norm: layer(width, 6 * width),
    ...attending(rank),
    out: layer(width, width),
    up: mlp.up(),
    down: mlp.down(),
  });

  const pixels = { norm1: norm(channels), conv1: conv(channels, 8), time: layer(width, 8), norm2: norm(8), conv2: conv(8, 8), shortcut: layer(channels, 8) }; // biome-ignore format: a table
  const [narrow, last] = [conv(8, channels), norm(channels)];
  const table = variable([5, 7]);
  const clock = { first: layer(6, width), second: layer(width, width) };
  const pooled = { first: layer(7, width), second: layer(width, width, 2) };
  const [fromWords, fromPixels] = [layer(7, width), layer(4 * channels, width, 2)];
  const [wordPlaces, pixelPlaces] = [variable([words, width]), variable([rows - words, width])];
  const double = { context: stream(2), image: stream(0) };
  const single = { norm: layer(width, 3 * width), ...attending(2), up: mlp.up(), out: layer(width + hidden, width) };
  const own = { norm: norm(width), ...attending(2), out: layer(width, width) };
  const across = { norm: norm(width), ...attending(0, 7), out: layer(width, width) };
  const gated = { norm: norm(width), up: layer(width, 2 * hidden), down: layer(hidden, width, 2) };
  const before = variables.size;
  const plain = { modulation: variable([width, 3 * width]), qkv: variable([width, 3 * width]), up: variable([width, 2 * hidden]), down: layer(hidden, width, 2), gain: variable([width]) }; // biome-ignore format: a table
  const ofPlain = [...variables.values()].slice(before);
  const end = { norm: layer(width, 2 * width), out: layer(width, 4 * channels) };

  const picture = normal([batch, side / 2, side / 2, channels], 1, 1000);
  const target = normal([batch, side, side, channels], 1, 1001);
  const time = normal([batch, 6], 1, 1002);
  const angles = normal([rows, width / heads / 2], 1, 1003);
  const [cos, sin] = [tf.cos(angles), tf.sin(angles)];
  const ids = Int32Array.of(0, 3, 4, 3);

  /** The block without a kernel of its own: a kernel each operation. */
  function byOperations(x, condition) {
    const [scale, shift, gate] = linear(condition, plain.modulation)
      .reshape([batch, 1, 3 * width])
      .split(3, 2);
    const [q, k, v] = linear(layerNormModulate(x, scale, shift), plain.qkv).split(3, 2);
    const turned = [q, k].map((one) => rope(one, cos, sin, heads));
    const seen = gatedResidual(x, multiHeadAttention(...turned, v, heads), gate);
    return linearLayer(geglu(linear(rmsNorm(seen, plain.gain), plain.up)), plain.down, seen);
  }

  function loss() {
    const texts = embedding(ids, table).reshape([batch, words, 7]);
    const condition = combinedEmbedding([{ x: time, ...clock }, { x: texts.mean(1), ...pooled }]); // biome-ignore format: a list
    const drawn = resnetLayer(resizeNearest(picture, side, side), pixels, { groups: 2, epsilon: 1e-5 }, condition);
    const seen = groupNorm(conv2d(drawn, narrow.filter, narrow.bias, { pad: [1, 1, 1, 1] }), 2, {
      ...last,
      silu: true,
    });
    const inputs = [
      { x: texts, layer: fromWords, positions: wordPlaces },
      { x: toPatches(seen, 2), layer: fromPixels, positions: pixelPlaces },
    ];
    const streams = { heads, contextRows: words, activation: "gelu" };
    let x = doubleStreamLayer(embedTokens(inputs), condition, double, streams);
    x = singleStreamLayer(x, condition, single, { heads, activation: "silu" });
    x = attentionLayer(x, own, { heads, causal: true });
    x = attentionLayer(x, across, { heads }, texts);
    x = feedForwardLayer(x, gated);
    x = recomputed(byOperations, [x, condition], ofPlain);
    const y = adaptiveLinear(x, condition, end, { skip: words });
    return fromPatches(y, 2, [side, side, channels]).sub(target).square().mean();
  }
  return { variables, loss };
}
