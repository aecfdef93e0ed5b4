import { goldenTensors } from "@etalon/testkit";
import { describe, expect, test } from "vitest";
import { pathFromDiffusers, rectifiedFlow, shiftTime, timeGrid, zeroTerminalSnr } from "./index.ts";

const sd = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear" };
const euler = goldenTensors("schedulers/euler_ve.safetensors");

/** diffusers' EulerDiscreteScheduler over Stable Diffusion v1.5's betas, 25 steps. Its 1 − ᾱ is a difference in float32: near the data that is 1e-5 of σ. */
describe("EulerDiscreteScheduler", () => {
  test.each([
    ["leading", { timestep_spacing: "leading", steps_offset: 1 }],
    ["linspace", {}],
    ["trailing", { timestep_spacing: "trailing" }],
    ["karras", { use_karras_sigmas: true }],
    ["karras_leading", { use_karras_sigmas: true, timestep_spacing: "leading", steps_offset: 1 }],
  ])("%s: sigmas, timesteps, first noise, scaled input and step", (name, options) => {
    const floats = (key: string) => euler.get(`${name}.${key}`).data as Float32Array;
    const path = pathFromDiffusers({ _class_name: "EulerDiscreteScheduler", ...sd, ...options });
    const grid = timeGrid(path, 25);
    expect(grid.map((t) => path.at(t).sigma)).toBeAllclose(floats("sigmas"), { rtol: 2e-5 });
    expect(grid.slice(0, 25)).toBeAllclose(floats("timesteps"), { atol: 2e-3 });
    expect([path.initialStd(grid[0])]).toBeAllclose(floats("init_noise_sigma"), { rtol: 1e-6 });
    for (const i of [0, 12, 24]) {
      const [t, s] = [grid[i], grid[i + 1]];
      const [from, to] = [path.at(t), path.at(s)];
      const x = (euler.get("sample").data as Float32Array).map((v) => v * floats("sigmas")[i]);
      const eps = euler.get("model_output").data as Float32Array;
      const input = path.precondition?.(t).in ?? 1;
      expect(x.map((v) => v * input)).toBeAllclose(floats(`step${i}.scaled_input`), { rtol: 1e-5, atol: 1e-6 });
      expect(from.alpha).toBe(1);
      expect(x.map((v, k) => v + (to.sigma - from.sigma) * eps[k])).toBeAllclose(floats(`step${i}.prev`), {
        rtol: 1e-5,
        atol: 2e-5,
      });
    }
  });

  test("v-prediction means that of the model's own coordinates; sigma_min ends the path at the first training sigma", () => {
    const config = {
      _class_name: "EulerDiscreteScheduler",
      ...sd,
      prediction_type: "v_prediction",
      final_sigmas_type: "sigma_min",
    };
    const path = pathFromDiffusers(config);
    const { sigma } = path.at(500);
    // diffusers: x0 = −σ/√(σ² + 1)·o + x/(σ² + 1); ours: x0 = (x − σ·v)/(1 + σ²) with v = out·o.
    const { out, skip } = path.precondition?.(500) ?? { out: 0, skip: 1 };
    expect([(-sigma * out) / (1 + sigma ** 2), skip]).toBeAllclose([-sigma / Math.sqrt(sigma ** 2 + 1), 0], {
      rtol: 1e-12,
    });
    expect(path.at(-1)).toEqual(path.at(0));
  });
});

test("EulerAncestral, DDPM and DDIM: their own defaults of spacing and end", () => {
  const ancestral = pathFromDiffusers({ _class_name: "EulerAncestralDiscreteScheduler", ...sd });
  expect(timeGrid(ancestral, 5)).toEqual([999, 749.25, 499.5, 249.75, 0, -1]);
  expect(ancestral.at(-1).sigma).toBe(0);
  const ddpm = pathFromDiffusers({
    _class_name: "DDPMScheduler",
    ...sd,
    clip_sample: false,
    variance_type: "fixed_small",
  });
  expect(timeGrid(ddpm, 5)).toEqual([800, 600, 400, 200, 0, -1]);
  expect(ddpm.at(-1).sigma).toBe(0);
  const sigmoid = pathFromDiffusers({ _class_name: "DDPMScheduler", beta_schedule: "sigmoid", clip_sample: false });
  expect(1 - sigmoid.at(0).alpha ** 2).toBeCloseTo(0.0001 + 0.0199 / (1 + Math.exp(6)), 12);
});

describe("DPMSolverMultistep and UniPC", () => {
  const solver = { _class_name: "DPMSolverMultistepScheduler", ...sd };

  test("lay one point more and leave it out: linspace, leading, trailing as their own code has them", () => {
    const round = (x: number) => Math.round(x); // no halves among these
    const linspace = Array.from({ length: 11 }, (_, i) => round((999 * i) / 10)).reverse();
    expect(timeGrid(pathFromDiffusers(solver), 10)).toEqual([...linspace.slice(0, 10), -1]);
    const leading = Array.from({ length: 11 }, (_, i) => i * 90 + 1).reverse();
    const options = { timestep_spacing: "leading", steps_offset: 1 };
    expect(timeGrid(pathFromDiffusers({ ...solver, ...options }), 10)).toEqual([...leading.slice(0, 10), -1]);
    const trailing = { ...solver, _class_name: "UniPCMultistepScheduler", timestep_spacing: "trailing" };
    expect(timeGrid(pathFromDiffusers(trailing), 4)).toEqual([999, 749, 499, 249, -1]);
  });

  test("Karras σ lie between all training timesteps' σ, Lu's in even log-SNR", () => {
    const path = pathFromDiffusers({ ...solver, use_karras_sigmas: true });
    const ratios = timeGrid(path, 8)
      .slice(0, 8)
      .map((t) => Math.exp(-path.at(t).logSnr));
    const [most, least] = [999, 0].map((t) => Math.exp(-path.at(t).logSnr));
    const karras = ratios.map((_, i) => (most ** (1 / 7) + (i / 7) * (least ** (1 / 7) - most ** (1 / 7))) ** 7);
    expect(ratios).toBeAllclose(karras, { rtol: 1e-9 });
    const lu = pathFromDiffusers({ ...solver, use_lu_lambdas: true });
    const lambdas = timeGrid(lu, 8)
      .slice(0, 8)
      .map((t) => lu.at(t).logSnr);
    for (let i = 2; i < 8; i++) expect(lambdas[i] - lambdas[i - 1]).toBeCloseTo(lambdas[1] - lambdas[0], 8);
  });

  test("lambda_min_clipped starts where log-SNR is not below it", () => {
    const cosine = {
      _class_name: "DPMSolverMultistepScheduler",
      beta_schedule: "squaredcos_cap_v2",
      lambda_min_clipped: -5.1,
    };
    const path = pathFromDiffusers(cosine);
    const [first] = timeGrid(path, 10);
    expect(path.at(first).logSnr).toBeGreaterThanOrEqual(-5.1);
    expect(path.at(first + 1).logSnr).toBeLessThan(-5.1);
    const clipped = { ...cosine, timestep_spacing: "trailing" };
    expect(() => pathFromDiffusers(clipped)).toThrow(
      "lambda_min_clipped is -5.1; allowed: null with timestep_spacing trailing.",
    );
  });

  test("on a flow: velocity, n even times from 1 − 1/T, shifted", () => {
    const config = {
      _class_name: "UniPCMultistepScheduler",
      use_flow_sigmas: true,
      prediction_type: "flow_prediction",
      flow_shift: 3,
    };
    const path = pathFromDiffusers(config);
    expect(path.name).toBe("flow");
    const theirs = Array.from({ length: 10 }, (_, i) => shiftTime(0.999 * (1 - i / 10), 3));
    expect(timeGrid(path, 10)).toBeAllclose([...theirs, 0], { rtol: 1e-12 });
  });
});

describe("zero terminal SNR", () => {
  test("DDIM's is exact, Euler's and the solvers' keep ᾱ above 0 by 2^−24", () => {
    const ddim = pathFromDiffusers({
      _class_name: "DDIMScheduler",
      ...sd,
      clip_sample: false,
      rescale_betas_zero_snr: true,
    });
    expect(ddim.at(999)).toEqual({ alpha: 0, sigma: 1, logSnr: -Infinity });
    const solver = pathFromDiffusers({
      _class_name: "DPMSolverMultistepScheduler",
      ...sd,
      rescale_betas_zero_snr: true,
    });
    expect(solver.at(999).alpha).toBeCloseTo(2 ** -12, 12);
    const euler = pathFromDiffusers({ _class_name: "EulerDiscreteScheduler", ...sd, rescale_betas_zero_snr: true });
    expect(euler.at(999).sigma).toBeCloseTo(4096, 2);
  });

  test("moves √ᾱ so that it ends at 0, and keeps its first", () => {
    const given = [0.9, 0.5, 0.2, 0.04];
    const rescaled = zeroTerminalSnr(given);
    expect(rescaled[0]).toBeCloseTo(0.9, 14);
    expect(rescaled[3]).toBe(0);
    const line = Array.from(
      rescaled,
      (v, i) => (Math.sqrt(v) - Math.sqrt(0.9)) / (Math.sqrt(given[i]) - Math.sqrt(0.9)),
    );
    expect(line[1]).toBeCloseTo(line[2], 12);
    expect(() => zeroTerminalSnr([0.5])).toThrow("alphasCumprod is [0.5]; allowed: two timesteps or more.");
  });
});

describe("FlowMatchEuler", () => {
  const flow = { _class_name: "FlowMatchEulerDiscreteScheduler" };

  test("the terminal shift stretches the grid so that it ends there", () => {
    const path = pathFromDiffusers({
      ...flow,
      use_dynamic_shifting: true,
      shift_terminal: 0.1,
      max_shift: 2.05,
      base_shift: 0.95,
      base_image_seq_len: 1024,
    });
    const grid = timeGrid(path, 8, { fluxTokens: 2048 });
    expect(grid[0]).toBe(1);
    expect(grid[7]).toBeCloseTo(0.1, 14);
    const mu = 0.95 + (1.1 * 1024) / 3072;
    const shifted = Array.from({ length: 8 }, (_, i) => shiftTime(1 - i / 8, Math.exp(mu)));
    const stretched = shifted.map((t) => 1 - (1 - t) / ((1 - shifted[7]) / 0.9));
    expect(grid.slice(0, 8)).toBeAllclose(stretched, { rtol: 1e-12 });
  });

  test("the linear time shift takes μ itself; another number of training timesteps moves the last time", () => {
    const linear = pathFromDiffusers({ ...flow, use_dynamic_shifting: true, time_shift_type: "linear" });
    expect(timeGrid(linear, 4, { fluxTokens: 4096 })[2]).toBeCloseTo(1.15 / (1.15 + 1), 14);
    const short = pathFromDiffusers({ ...flow, num_train_timesteps: 100 });
    expect(timeGrid(short, 5)).toBeAllclose([1, 0.7525, 0.505, 0.2575, 0.01, 0], { rtol: 1e-12 });
  });

  test("Karras σ lie between the shifted times' ends", () => {
    const path = pathFromDiffusers({ ...flow, shift: 3, use_karras_sigmas: true });
    const grid = timeGrid(path, 6);
    const ends = timeGrid(rectifiedFlow(), 6, { spacing: "linspace", shift: 3 });
    expect([grid[0], grid[5]]).toEqual([ends[0], ends[5]]);
    const [a, b] = [1, ends[5] ** (1 / 7)];
    expect(grid[2]).toBeCloseTo((a + 0.4 * (b - a)) ** 7, 14);
  });
});
