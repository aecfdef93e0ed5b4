/**
 * diffusers' sampling loops written out a second time, in its own terms (alphas_cumprod, sigmas, timesteps, prev_timestep) and in float64, with nothing of this
 * project: what whole trajectories are compared with. After `scheduling_ddim.py`, `scheduling_euler_discrete.py`, `scheduling_euler_ancestral_discrete.py`,
 * `scheduling_flow_match_euler_discrete.py` and `scheduling_dpmsolver_multistep.py` of huggingface/diffusers, 0.3x; single steps of ours are held to its own outputs elsewhere.
 */
export interface LoopConfig {
  trainSteps: number;
  betaStart: number;
  betaEnd: number;
  schedule: "linear" | "scaled_linear";
  prediction: "epsilon" | "sample" | "v_prediction";
  spacing: "leading" | "linspace" | "trailing";
  offset: number;
  karras?: boolean;
  rescale?: boolean;
}

/** A model, and the noise of a step; arrays of one length. */
export interface LoopInput {
  n: number;
  start: Float64Array;
  model: (x: Float64Array, t: number) => Float64Array;
  noise: (step: number) => Float64Array;
}

/** @param least  what the classes with σ put in place of the rescaled schedule's last ᾱ, 0 */
function alphasCumprod({ trainSteps, betaStart, betaEnd, schedule, rescale = false }: LoopConfig, least = 0): number[] {
  let product = 1;
  const bars = Array.from({ length: trainSteps }, (_, i) => {
    const u = i / (trainSteps - 1);
    const root = betaStart ** 0.5 + u * (betaEnd ** 0.5 - betaStart ** 0.5);
    product *= 1 - (schedule === "linear" ? betaStart + u * (betaEnd - betaStart) : root ** 2);
    return product;
  });
  if (!rescale) return bars;
  const roots = bars.map(Math.sqrt); // rescale_zero_terminal_snr
  const [first, last] = [roots[0], roots[trainSteps - 1]];
  const moved = roots.map((v) => ((v - last) * first) / (first - last)).map((v) => v ** 2);
  return [...moved.slice(0, -1), least];
}

/** numpy's round. */
const rint = (x: number) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

function timesteps({ trainSteps, spacing, offset }: LoopConfig, n: number, kind: "ddim" | "euler" | "dpm"): number[] {
  const extra = kind === "dpm" ? 1 : 0;
  if (spacing === "trailing") return Array.from({ length: n }, (_, i) => rint(trainSteps - (i * trainSteps) / n) - 1);
  if (spacing === "leading") {
    const ratio = Math.floor(trainSteps / (n + extra));
    return Array.from({ length: n + extra }, (_, i) => i * ratio)
      .reverse()
      .slice(0, n)
      .map((t) => t + offset);
  }
  const count = n + extra;
  const line = Array.from({ length: count }, (_, i) => (count === 1 ? 0 : ((trainSteps - 1) * i) / (count - 1)));
  return line
    .map((t) => (kind === "euler" ? t : rint(t)))
    .reverse()
    .slice(0, n);
}

export function ddimLoop(
  config: LoopConfig & { eta: number; setAlphaToOne: boolean },
  { n, start, model, noise }: LoopInput,
): Float64Array {
  const bars = alphasCumprod(config);
  let x = start;
  timesteps(config, n, "ddim").forEach((t, i) => {
    const previous = t - Math.floor(config.trainSteps / n);
    const bar = bars[t];
    const barPrevious = previous >= 0 ? bars[previous] : config.setAlphaToOne ? 1 : bars[0];
    const output = model(x, t);
    const z = noise(i);
    const variance = ((1 - barPrevious) / (1 - bar)) * (1 - bar / barPrevious);
    const std = config.eta * variance ** 0.5;
    x = x.map((v, k) => {
      const o = output[k];
      const [a, b] = [bar ** 0.5, (1 - bar) ** 0.5];
      const x0 = { epsilon: (v - b * o) / a, sample: o, v_prediction: a * v - b * o }[config.prediction];
      const eps = { epsilon: o, sample: (v - a * o) / b, v_prediction: a * o + b * v }[config.prediction];
      return barPrevious ** 0.5 * x0 + (1 - barPrevious - std ** 2) ** 0.5 * eps + std * z[k];
    });
  });
  return x;
}

/** σ of the steps with 0 behind, and the timesteps: EulerDiscreteScheduler.set_timesteps. */
function eulerSigmas(config: LoopConfig, n: number, kind: "euler" | "dpm"): { sigmas: number[]; times: number[] } {
  const table = alphasCumprod(config, 2 ** -24).map((bar) => ((1 - bar) / bar) ** 0.5);
  let times = timesteps(config, n, kind);
  const interp = (t: number) => {
    const low = Math.min(Math.floor(t), table.length - 2);
    return table[low] + (t - low) * (table[low + 1] - table[low]);
  };
  let sigmas = times.map(interp);
  if (config.karras) {
    const [most, least] = kind === "euler" ? [sigmas[0], sigmas[n - 1]] : [table[table.length - 1], table[0]];
    const [a, b] = [most ** (1 / 7), least ** (1 / 7)];
    sigmas = Array.from({ length: n }, (_, i) => (n === 1 ? most : (a + (i / (n - 1)) * (b - a)) ** 7));
    times = sigmas.map((sigma) => {
      const low = Math.min(
        Math.max(
          0,
          table.findLastIndex((s) => s <= sigma),
        ),
        table.length - 2,
      );
      const w = Math.min(
        1,
        Math.max(0, (Math.log(table[low]) - Math.log(sigma)) / (Math.log(table[low]) - Math.log(table[low + 1]))),
      );
      return (1 - w) * low + w * (low + 1);
    });
  }
  return { sigmas: [...sigmas, 0], times };
}

/** EulerDiscrete, and with `ancestral` EulerAncestralDiscrete. `start` is unit noise. */
export function eulerLoop(
  config: LoopConfig & { ancestral?: boolean },
  { n, start, model, noise }: LoopInput,
): Float64Array {
  const { sigmas, times } = eulerSigmas(config, n, "euler");
  const first = config.spacing === "leading" ? (sigmas[0] ** 2 + 1) ** 0.5 : sigmas[0];
  let x = start.map((v) => v * first);
  times.forEach((t, i) => {
    const [sigma, to] = [sigmas[i], sigmas[i + 1]];
    const output = model(
      x.map((v) => v / (sigma ** 2 + 1) ** 0.5),
      t,
    );
    const up = config.ancestral ? ((to ** 2 * (sigma ** 2 - to ** 2)) / sigma ** 2) ** 0.5 : 0;
    const down = (to ** 2 - up ** 2) ** 0.5;
    const z = noise(i);
    x = x.map((v, k) => {
      const o = output[k];
      const x0 = {
        epsilon: v - sigma * o,
        sample: o,
        v_prediction: (-o * sigma) / (sigma ** 2 + 1) ** 0.5 + v / (sigma ** 2 + 1),
      }[config.prediction];
      return v + ((v - x0) / sigma) * (down - sigma) + up * z[k];
    });
  });
  return x;
}

/** FlowMatchEulerDiscrete; sigmas given by the pipeline as linspace(1, 1/n, n), or its own. */
export function flowLoop(config: { shift: number; byPipeline: boolean }, { n, start, model }: LoopInput): Float64Array {
  const shift = (s: number) => (config.shift * s) / (1 + (config.shift - 1) * s);
  const line = (from: number, to: number) =>
    Array.from({ length: n }, (_, i) => (n === 1 ? from : from + (i / (n - 1)) * (to - from)));
  const given = config.byPipeline ? line(1, 1 / n) : line(shift(1), shift(1 / 1000));
  const sigmas = [...given.map(shift), 0];
  let x = start;
  for (let i = 0; i < n; i++) {
    const v = model(x, sigmas[i]);
    x = x.map((value, k) => value + (sigmas[i + 1] - sigmas[i]) * v[k]);
  }
  return x;
}

/** DPMSolverMultistep: dpmsolver++ or sde-dpmsolver++, order 1 or 2, final_sigmas_type zero. */
export function dpmLoop(
  config: LoopConfig & { order: 1 | 2; type: "midpoint" | "heun"; sde: boolean; lowerOrderFinal: boolean },
  { n, start, model, noise }: LoopInput,
): Float64Array {
  const { sigmas, times } = eulerSigmas(config, n, "dpm");
  const at = (sigma: number) => {
    const alpha = 1 / (sigma ** 2 + 1) ** 0.5;
    return { alpha, sigma: sigma * alpha, lambda: Math.log(alpha) - Math.log(sigma * alpha) };
  };
  let x = start;
  let before: Float64Array | undefined;
  times.forEach((t, i) => {
    const [s0, to] = [at(sigmas[i]), at(sigmas[i + 1])];
    const output = model(x, t);
    const state = x;
    const m0 = state.map((v, k) => {
      const o = output[k];
      return { epsilon: (v - s0.sigma * o) / s0.alpha, sample: o, v_prediction: s0.alpha * v - s0.sigma * o }[
        config.prediction
      ];
    });
    const last = i === n - 1 && (sigmas[n] === 0 || (config.lowerOrderFinal && n < 15));
    const first = config.order === 1 || before === undefined || last;
    const h = to.lambda - s0.lambda;
    const z = noise(i);
    const m1 = before ?? m0;
    const r0 = i === 0 ? 1 : (s0.lambda - at(sigmas[i - 1]).lambda) / h;
    x = state.map((v, k) => {
      const d1 = first ? 0 : (m0[k] - m1[k]) / r0;
      if (config.sde) {
        const share = 1 - Math.exp(-2 * h);
        const slope = first ? 0 : config.type === "midpoint" ? 0.5 * share : share / (-2 * h) + 1;
        return (
          (to.sigma / s0.sigma) * Math.exp(-h) * v +
          to.alpha * share * m0[k] +
          to.alpha * slope * d1 +
          to.sigma * share ** 0.5 * z[k]
        );
      }
      const share = Math.exp(-h) - 1;
      const slope = first ? 0 : config.type === "midpoint" ? -0.5 * share : share / h + 1;
      return (to.sigma / s0.sigma) * v - to.alpha * share * m0[k] + to.alpha * slope * d1;
    });
    before = m0;
  });
  return x;
}
