import { describe, expect, test } from "vitest";
import { close } from "../../test/support/close.ts";
import { draws } from "../../test/support/draws.ts";
import { type Heads, type HeavyKernels, heavyKernels } from "./index.ts";

const kernels = heavyKernels() as HeavyKernels;

describe.runIf(kernels !== undefined)("the border of the kernels by rows and elements", () => {
  test("layerNorm with parts of one row as scale and shift; gatedResidual", () => {
    const [batch, rows, d] = [2, 3, 4];
    const x = draws(batch * rows * d, 1);
    const modulation = draws(batch * 3 * d, 2);
    const part = (data: Float32Array, i: number) => ({ data, offset: i * d, stride: 3 * d });
    const y = new Float32Array(x.length);
    const [mean, rstd] = [new Float32Array(6), new Float32Array(6)];
    kernels.layerNorm({
      batch,
      rows,
      d,
      epsilon: 1e-6,
      x,
      y,
      scale: part(modulation, 1),
      shift: part(modulation, 0),
      mean,
      rstd,
    });
    x.forEach((value, i) => {
      const at = Math.floor(i / (rows * d)) * 3 * d + (i % d);
      const r = Math.floor(i / d);
      expect(y[i]).toBeCloseTo((value - mean[r]) * rstd[r] * (1 + modulation[at + d]) + modulation[at], 5);
    });
    const dModulation = new Float32Array(modulation.length);
    kernels.layerNormGradients({
      batch,
      rows,
      d,
      x,
      mean,
      rstd,
      dy: y,
      dScale: part(dModulation, 1),
      dShift: part(dModulation, 0),
    });
    expect(dModulation[0]).toBeCloseTo(y[0] + y[4] + y[8], 5);
    const out = new Float32Array(x.length);
    kernels.gatedResidual({ batch, rows, d, x, y, gate: part(modulation, 2), out });
    expect(out[13]).toBeCloseTo(x[13] + y[13] * modulation[3 * d + 2 * d + 1], 5);
    const dGate = new Float32Array(batch * d);
    const dy = new Float32Array(x.length);
    kernels.gatedResidualGradients({
      batch,
      rows,
      d,
      dOut: x,
      y,
      gate: part(modulation, 2),
      dy,
      dGate: { data: dGate, stride: d },
    });
    expect(dGate[5]).toBeCloseTo(x[13] * y[13] + x[17] * y[17] + x[21] * y[21], 5);
    expect(dy[13]).toBeCloseTo(x[13] * modulation[3 * d + 2 * d + 1], 5);
  });

  test("adamw, globalNorm, scale and ema on lists", () => {
    const parameters = [Float32Array.of(1, 2), new Float32Array(0), Float32Array.of(3)];
    const gradients = [Float32Array.of(3, -4), new Float32Array(0), Float32Array.of(12)];
    const zeros = () => parameters.map(({ length }) => new Float32Array(length));
    expect(kernels.globalNorm(gradients)).toBeCloseTo(13, 12);
    const settings = { step: 1, learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.5 };
    kernels.adamw({ parameters, gradients, first: zeros(), second: zeros(), ...settings });
    close(parameters[0], [0.95 * 1 - 0.1, 0.95 * 2 + 0.1]);
    close(parameters[2], [0.95 * 3 - 0.1]);
    kernels.scale(gradients, 0.5);
    expect([...gradients[0], ...gradients[2]]).toEqual([1.5, -2, 6]);
    const averages = zeros();
    kernels.ema(averages, gradients, 0.75);
    expect([...averages[0], ...averages[2]]).toEqual([0.375, -0.5, 1.5]);
  });

  test("rmsNorm and groupNorm with their gradients; SiLU", () => {
    const x = draws(24, 1);
    const [y, dx] = [new Float32Array(24), new Float32Array(24)];
    const rstd = new Float32Array(6);
    kernels.rmsNorm({ rows: 6, d: 4, epsilon: 1e-6, x, y, rstd, gain: Float32Array.of(1, 2, 3, 4) });
    expect(y[6]).toBeCloseTo(x[6] * rstd[1] * 3, 5);
    kernels.rmsNormGradients({ rows: 6, d: 4, x, rstd, dy: x, dx });
    for (const value of dx) expect(Math.abs(value)).toBeLessThan(1e-5); // along x itself the norm does not change
    const stats = { mean: new Float32Array(4), rstd: new Float32Array(4) };
    const sizes = { batch: 2, pixels: 3, channels: 4, groups: 2 };
    const [gain, bias] = [draws(4, 2), draws(4, 3)];
    kernels.groupNorm({ ...sizes, epsilon: 1e-6, x, y, gain, bias, silu: true, ...stats });
    const z = (x[14] - stats.mean[3]) * stats.rstd[3] * gain[2] + bias[2];
    expect(y[14]).toBeCloseTo(z / (1 + Math.exp(-z)), 5);
    const [dGain, dBias] = [new Float32Array(4), new Float32Array(4)];
    kernels.groupNormGradients({ ...sizes, x, ...stats, dy: draws(24, 4), gain, bias, dx, dGain, dBias });
    expect(dBias[1]).toBeCloseTo(
      [1, 5, 9, 13, 17, 21].reduce((sum, i) => sum + draws(24, 4)[i], 0),
      5,
    );
    expect(dx.reduce((a, b) => a + b)).toBeCloseTo(0, 4); // a shift of all changes nothing
  });

  test("rope there and back, geglu, and the 16-bit formats", () => {
    const x = draws(24, 1);
    const heads = (data: Float32Array): Heads => ({ data, batch: 24, head: 4, row: 8 });
    const [y, back] = [new Float32Array(24), new Float32Array(24)];
    const angles = draws(6, 2);
    const turns = { cos: angles.map(Math.cos), sin: angles.map(Math.sin), batch: 1, tokens: 3, heads: 2, depth: 4 };
    kernels.rope({ ...turns, x: heads(x), y: heads(y) });
    expect(y[14]).toBeCloseTo(x[14] * turns.cos[3] - x[15] * turns.sin[3], 5);
    kernels.rope({ ...turns, x: heads(y), y: heads(back), inverse: true });
    close(back, x);
    const out = new Float32Array(12);
    kernels.geglu({ rows: 2, width: 6, x, y: out });
    kernels.gegluGradients({ rows: 2, width: 6, x, dy: new Float32Array(12).fill(1), dx: back });
    expect(out[7]).toBeCloseTo(x[13] * back[13], 5);
    const unpacked = new Float32Array(2);
    kernels.unpack("bf16", Uint16Array.of(0x3fc0, 0xff80), unpacked);
    expect([...unpacked]).toEqual([1.5, Number.NEGATIVE_INFINITY]);
    kernels.unpack("f16", Uint16Array.of(0x3e00, 0x8001), unpacked);
    expect([...unpacked]).toEqual([1.5, -(2 ** -24)]);
  });
});
