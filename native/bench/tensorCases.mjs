/** Values in ±½ that another language makes as well, bit for bit. */
const values = (length, salt) =>
  Float32Array.from({ length }, (_, i) => ((i * 7919 + salt * 104729) % 2003) / 2003 - 0.5);

/** A case of the bench on the native kernels: `run` does it once, into `out`. */
export function contender(kernels, { op, ...size }) {
  return cases[op](kernels, size);
}

const cases = {
  gemm(kernels, { m, n, k, batch = 1, transposeA = false, transposeB = false }) {
    const [a, b, out] = [values(batch * m * k, 1), values(batch * k * n, 2), new Float32Array(batch * m * n)];
    return { out, run: () => kernels.gemm({ a, b, c: out, m, n, k, batch, transposeA, transposeB }) };
  },
  attention(kernels, size) {
    const { forward } = attention(size);
    return { out: forward.out.data, run: () => kernels.attention(forward) };
  },
  attentionGradients(kernels, size) {
    const { forward, heads, elements } = attention(size);
    const out = new Float32Array(3 * elements);
    const part = (i) => heads(out.subarray(i * elements, (i + 1) * elements));
    const gradients = { ...forward, dOut: heads(values(elements, 4)), dq: part(0), dk: part(1), dv: part(2) };
    kernels.attention(forward);
    return { out, run: () => kernels.attentionGradients(gradients) };
  },
  conv2d(kernels, size) {
    const { sizes, x, filter, outLength } = convolution(size);
    const out = new Float32Array(outLength);
    return { out, run: () => kernels.conv2d({ ...sizes, x, filter, y: out }) };
  },
  conv2dInputGradient(kernels, size) {
    const { sizes, x, filter, outLength } = convolution(size);
    const [dy, out] = [values(outLength, 3), new Float32Array(x.length)];
    return { out, run: () => kernels.conv2dInputGradient({ ...sizes, dy, filter, dx: out }) };
  },
  conv2dFilterGradient(kernels, size) {
    const { sizes, x, filter, outLength } = convolution(size);
    const [dy, out] = [values(outLength, 3), new Float32Array(filter.length)];
    return { out, run: () => kernels.conv2dFilterGradient({ ...sizes, x, dy, dFilter: out }) };
  },
};

/** [batch, heads, tokens, depth], contiguous: what torch likes best. */
function attention({ batch, heads: count, tokens, depth }) {
  const elements = batch * count * tokens * depth;
  const heads = (data) => ({ data, batch: count * tokens * depth, head: tokens * depth, row: depth });
  const [q, k, v] = [1, 2, 3].map((salt) => heads(values(elements, salt)));
  const sizes = { batch, heads: count, queries: tokens, keys: tokens, depth };
  const logSumExp = new Float32Array(batch * count * tokens);
  return { forward: { ...sizes, q, k, v, out: heads(new Float32Array(elements)), logSumExp }, heads, elements };
}

/** A square picture under a square filter, padded by half of it. */
function convolution({ batch, side, channels, out, filter, stride }) {
  const [pad, outSide] = [filter >> 1, Math.ceil(side / stride)];
  const image = { height: side, width: side, outHeight: outSide, outWidth: outSide, padTop: pad, padLeft: pad };
  const taps = { filterHeight: filter, filterWidth: filter, strideHeight: stride, strideWidth: stride };
  const sizes = { batch, ...image, ...taps, inChannels: channels, outChannels: out };
  const [x, weights] = [values(batch * side * side * channels, 1), values(filter * filter * channels * out, 2)];
  return { sizes, x, filter: weights, outLength: batch * outSide * outSide * out };
}
