/** The operations in float64, as plainly as they can be put; arrays row-major. Uses nothing of src/. */
export type Dense = { shape: number[]; data: Float64Array };

const dense = (shape: number[], at: (i: number) => number): Dense => ({
  shape,
  data: Float64Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, (_, i) => at(i)),
});

const map = (x: Dense, f: (value: number) => number): Dense => dense(x.shape, (i) => f(x.data[i]));

export const add = (x: Dense, y: Dense): Dense => dense(x.shape, (i) => x.data[i] + y.data[i]);

export const silu = (x: Dense): Dense => map(x, (v) => v / (1 + Math.exp(-v)));

export const gelu = (x: Dense): Dense =>
  map(x, (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))));

/** By its series, and by the continued fraction of 1 − erf where that would cancel. */
function erf(x: number): number {
  if (Math.abs(x) > 2.5) {
    let fraction = Math.abs(x);
    for (let k = 80; k >= 1; k--) fraction = Math.abs(x) + k / 2 / fraction;
    return Math.sign(x) * (1 - Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction));
  }
  let [term, sum] = [x, x];
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

export const geluErf = (x: Dense): Dense => map(x, (v) => 0.5 * v * (1 + erf(v / Math.SQRT2)));

/** x [..., 2·width]. */
export function geglu(x: Dense): Dense {
  const width = (x.shape.at(-1) as number) / 2;
  return dense([...x.shape.slice(0, -1), width], (i) => {
    const at = Math.floor(i / width) * 2 * width + (i % width);
    const gate = x.data[at + width];
    return x.data[at] * 0.5 * gate * (1 + erf(gate / Math.SQRT2));
  });
}

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

/** x + y·gate; gate [batch, 1, d]. */
export function gatedResidual(x: Dense, y: Dense, gate: Dense): Dense {
  const [, length, d] = x.shape;
  return dense(x.shape, (i) => x.data[i] + y.data[i] * gate.data[Math.floor(i / (length * d)) * d + (i % d)]);
}

export function rmsNorm(x: Dense, epsilon: number, gain?: Dense): Dense {
  const d = x.shape.at(-1) as number;
  return dense(x.shape, (i) => {
    const row = x.data.subarray(i - (i % d), i - (i % d) + d);
    const square = row.reduce((sum, v) => sum + v * v, 0) / d;
    return (x.data[i] / Math.sqrt(square + epsilon)) * (gain ? gain.data[i % d] : 1);
  });
}

/** x [batch, pixels, channels]. */
export function groupNorm(x: Dense, groups: number, epsilon: number, gain?: Dense, bias?: Dense): Dense {
  const [, pixels, channels] = x.shape;
  const each = channels / groups;
  return dense(x.shape, (i) => {
    const [sample, channel] = [Math.floor(i / (pixels * channels)), i % channels];
    const group = Math.floor(channel / each);
    const values: number[] = [];
    for (let p = 0; p < pixels; p++)
      for (let c = 0; c < each; c++) values.push(x.data[(sample * pixels + p) * channels + group * each + c]);
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    const normal = (x.data[i] - mean) / Math.sqrt(variance + epsilon);
    return gain && bias ? normal * gain.data[channel] + bias.data[channel] : normal;
  });
}

/** x [batch, tokens, heads·depth]; cos, sin [tokens, depth/2]. */
export function rope(x: Dense, cos: Dense, sin: Dense): Dense {
  const [, tokens, width] = x.shape;
  const half = cos.shape[1];
  return dense(x.shape, (i) => {
    const [token, column] = [Math.floor(i / width) % tokens, i % (2 * half)];
    const at = token * half + Math.floor(column / 2);
    return column % 2 === 0
      ? x.data[i] * cos.data[at] - x.data[i + 1] * sin.data[at]
      : x.data[i] * cos.data[at] + x.data[i - 1] * sin.data[at];
  });
}

/** q [batch, queries, heads·d], k [batch, keys, heads·d], v [batch, keys, heads·width]. */
export function multiHeadAttention(q: Dense, k: Dense, v: Dense, heads: number): Dense {
  const turned = ({ shape: [batch, rows, width], data }: Dense): Dense => {
    const d = width / heads;
    return dense([batch, heads, rows, d], (i) => {
      const [column, row, head, sample] = [
        i % d,
        Math.floor(i / d) % rows,
        Math.floor(i / (d * rows)) % heads,
        Math.floor(i / (d * rows * heads)),
      ];
      return data[(sample * rows + row) * width + head * d + column];
    });
  };
  const out = attention(turned(q), turned(k), turned(v));
  const [batch, , rows, d] = out.shape;
  return dense([batch, rows, heads * d], (i) => {
    const [column, head, row, sample] = [
      i % d,
      Math.floor(i / d) % heads,
      Math.floor(i / (d * heads)) % rows,
      Math.floor(i / (d * heads * rows)),
    ];
    return out.data[((sample * heads + head) * rows + row) * d + column];
  });
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

/** A convolution, channels last: x [batch, height, width, inputs], filter [rows, columns, inputs, outputs]; pad [top, bottom, left, right] of zeros, by default what keeps the picture's size. */
export function conv2d(x: Dense, filter: Dense, bias?: Dense, stride = 1, pad?: readonly number[]): Dense {
  const [batch, height, width, inputs] = x.shape;
  const [rows, columns, , outputs] = filter.shape;
  const [evenRows, evenColumns] = [(rows - 1) / 2, (columns - 1) / 2];
  const [top, bottom, left, right] = pad ?? [evenRows, evenRows, evenColumns, evenColumns];
  const outHeight = Math.floor((height + top + bottom - rows) / stride) + 1;
  const outWidth = Math.floor((width + left + right - columns) / stride) + 1;
  return dense([batch, outHeight, outWidth, outputs], (at) => {
    const [o, j] = [at % outputs, Math.floor(at / outputs) % outWidth];
    const [i, b] = [Math.floor(at / outputs / outWidth) % outHeight, Math.floor(at / outputs / outWidth / outHeight)];
    let sum = bias ? bias.data[o] : 0;
    for (let p = 0; p < rows; p++)
      for (let q = 0; q < columns; q++) {
        const [row, column] = [i * stride + p - top, j * stride + q - left];
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        for (let c = 0; c < inputs; c++)
          sum += x.data[((b * height + row) * width + column) * inputs + c] * filter.data[((p * columns + q) * inputs + c) * outputs + o]; // biome-ignore format: a line
      }
    return sum;
  });
}

/** Rows of a table. */
export function embedding(ids: readonly number[], table: Dense): Dense {
  const d = table.shape[1];
  return dense([ids.length, d], (i) => table.data[ids[Math.floor(i / d)] * d + (i % d)]);
}

/** Pictures [batch, height, width, channels] read at the fractional pixel that `at` gives for each of rows and columns, between its four neighbours. */
function resampled(x: Dense, rows: number, columns: number, at: (to: number, before: number, after: number) => number): Dense {
  const [batch, height, width, channels] = x.shape;
  return dense([batch, rows, columns, channels], (i) => {
    const [d, c, r, b] = [i % channels, Math.floor(i / channels) % columns, Math.floor(i / channels / columns) % rows, Math.floor(i / channels / columns / rows)];
    const [down, across] = [at(r, height, rows), at(c, width, columns)];
    let sum = 0;
    for (const p of [Math.floor(down), Math.floor(down) + 1])
      for (const q of [Math.floor(across), Math.floor(across) + 1]) {
        const [row, column] = [Math.min(p, height - 1), Math.min(q, width - 1)];
        sum += (1 - Math.abs(down - p)) * (1 - Math.abs(across - q)) * x.data[((b * height + row) * width + column) * channels + d];
      }
    return sum;
  });
} // biome-ignore format: long lines

export const resizeNearest = (x: Dense, rows: number, columns: number): Dense =>
  resampled(x, rows, columns, (to, before, after) => Math.floor((to * before) / after));

export const resizeBilinear = (x: Dense, rows: number, columns: number, alignCorners: boolean): Dense =>
  resampled(x, rows, columns, (to, before, after) =>
    alignCorners && after > 1 ? (to * (before - 1)) / (after - 1) : (to * before) / after,
  );

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
