/** The operations in float64, as plainly as they can be put; arrays row-major. Uses nothing of src/. */
export type Dense = { shape: number[]; data: Float64Array };

const dense = (shape: number[], at: (i: number) => number): Dense => ({
  shape,
  data: Float64Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, (_, i) => at(i)),
});

const map = (x: Dense, f: (value: number) => number): Dense => dense(x.shape, (i) => f(x.data[i]));

export const silu = (x: Dense): Dense => map(x, (v) => v / (1 + Math.exp(-v)));

export const gelu = (x: Dense): Dense =>
  map(x, (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))));

export function linear(x: Dense, w: Dense, b?: Dense): Dense {
  const [inputs, outputs] = w.shape;
  return dense([...x.shape.slice(0, -1), outputs], (i) => {
    const [row, column] = [Math.floor(i / outputs), i % outputs];
    let sum = b === undefined ? 0 : b.data[column];
    for (let k = 0; k < inputs; k++) sum += x.data[row * inputs + k] * w.data[k * outputs + column];
    return sum;
  });
}

export function layerNorm(x: Dense, epsilon: number): Dense {
  const d = x.shape.at(-1) as number;
  return dense(x.shape, (i) => {
    const row = x.data.subarray(i - (i % d), i - (i % d) + d);
    const mean = row.reduce((sum, v) => sum + v, 0) / d;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / d;
    return (x.data[i] - mean) / Math.sqrt(variance + epsilon);
  });
}

/** x [batch, length, d]; scale and shift [batch, 1, d]. */
export function modulate(x: Dense, scale: Dense, shift: Dense): Dense {
  const [, length, d] = x.shape;
  const at = (i: number) => Math.floor(i / (length * d)) * d + (i % d);
  return dense(x.shape, (i) => x.data[i] * (1 + scale.data[at(i)]) + shift.data[at(i)]);
}

/** q [batch, heads, queries, d], k [batch, heads, keys, d], v [batch, heads, keys, width]. */
export function attention(q: Dense, k: Dense, v: Dense): Dense {
  const [batch, heads, queries, d] = q.shape;
  const [keys, width] = [k.shape[2], v.shape[3]];
  return dense([batch, heads, queries, width], (i) => {
    const [column, row, head] = [i % width, Math.floor(i / width) % queries, Math.floor(i / (width * queries))];
    let [sum, total] = [0, 0];
    for (let j = 0; j < keys; j++) {
      let score = 0;
      for (let c = 0; c < d; c++) score += q.data[(head * queries + row) * d + c] * k.data[(head * keys + j) * d + c];
      const weight = Math.exp(score / Math.sqrt(d));
      total += weight;
      sum += weight * v.data[(head * keys + j) * width + column];
    }
    return sum / total;
  });
}

/** Central differences of Σ dy·f(inputs) with respect to each input. */
export function gradients(f: (...inputs: Dense[]) => Dense, inputs: Dense[], dy: ArrayLike<number>): Float64Array[] {
  const loss = () => f(...inputs).data.reduce((sum, y, i) => sum + y * dy[i], 0);
  const h = 1e-5;
  return inputs.map(({ data }) =>
    Float64Array.from(data, (value, i) => {
      data[i] = value + h;
      const up = loss();
      data[i] = value - h;
      const down = loss();
      data[i] = value;
      return (up - down) / (2 * h);
    }),
  );
}
