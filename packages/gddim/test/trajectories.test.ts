import "@etalon/testkit";
import { normal } from "@etalon/native";
import { type Path, pathFromDiffusers, rectifiedFlow } from "@etalon/schedules";
import { describe, expect, test } from "vitest";
import { initialNoise, type Plan, type PlanOptions, plan, sample } from "../src/index.ts";
import { ddimLoop, dpmLoop, eulerLoop, flowLoop, type LoopConfig, type LoopInput } from "./diffusersLoops.ts";

const dim = 40;
const seed = 5n;
const samples = 2;

/** A made-up model that is smooth in state and time. `scale` brings a time to about one. */
const modelOf = (scale: number) => (x: Float64Array, t: number) =>
  x.map((v) => 0.7 * Math.sin(1.3 * v + t / scale) + 0.1 * v);

function input(n: number, scale: number): LoopInput {
  return {
    n,
    start: Float64Array.from(initialNoise({ seed, samples, dim })),
    model: modelOf(scale),
    noise: (i) => Float64Array.from(normal({ key: { seed, step: i + 1, samples: Uint32Array.of(0, 1) }, dim })),
  };
}

async function ours(made: Plan, scale: number): Promise<Float32Array> {
  const model = modelOf(scale);
  const denoiser = (x: Float32Array, t: number) => Float32Array.from(model(Float64Array.from(x), t));
  return sample({ denoiser, plan: made, shape: [dim], seed, samples }).run();
}

async function compare(
  path: Path,
  options: Omit<PlanOptions, "path">,
  theirs: Float64Array,
  scale: number,
): Promise<void> {
  const mine = await ours(plan({ path, ...options }), scale);
  const size = Math.max(1, ...theirs.map(Math.abs)); // near-noise x̂0 of an ε-model is large
  expect(mine.map((v) => v / size)).toBeAllclose(
    theirs.map((v) => v / size),
    { atol: 1e-5 },
  );
}

const base: LoopConfig = {
  trainSteps: 1000,
  betaStart: 0.00085,
  betaEnd: 0.012,
  schedule: "scaled_linear",
  prediction: "epsilon",
  spacing: "leading",
  offset: 1,
};
const variants: { config: LoopConfig; n: number }[] = [
  { config: base, n: 10 },
  { config: { ...base, spacing: "trailing", offset: 0, prediction: "v_prediction" }, n: 8 },
  { config: { ...base, spacing: "trailing", offset: 0, prediction: "sample" }, n: 7 },
  { config: { ...base, spacing: "linspace", offset: 0, prediction: "v_prediction" }, n: 13 },
  {
    config: {
      ...base,
      trainSteps: 400,
      betaStart: 0.001,
      betaEnd: 0.03,
      schedule: "linear",
      prediction: "v_prediction",
      offset: 3,
    },
    n: 17,
  },
  { config: { ...base, spacing: "trailing", offset: 0, prediction: "v_prediction", rescale: true }, n: 10 },
];
const common = ({
  trainSteps,
  betaStart,
  betaEnd,
  schedule,
  prediction,
  spacing,
  offset,
  karras = false,
  rescale = false,
}: LoopConfig) => ({
  ...{
    num_train_timesteps: trainSteps,
    beta_start: betaStart,
    beta_end: betaEnd,
    beta_schedule: schedule,
    prediction_type: prediction,
  },
  ...{ timestep_spacing: spacing, steps_offset: offset, ...(karras ? { use_karras_sigmas: true } : {}) },
  ...(rescale ? { rescale_betas_zero_snr: true } : {}),
});
const name = ({ config: { spacing, prediction, trainSteps, karras, rescale }, n }: (typeof variants)[number]) =>
  `${spacing}, ${prediction}, T ${trainSteps}, ${n} steps${karras ? ", Karras" : ""}${rescale ? ", zero SNR" : ""}`;

describe("DDIM", () => {
  test.each(
    variants.flatMap((v) => [0, 0.5, 1].flatMap((eta) => [true, false].map((one) => [name(v), eta, one, v] as const))),
  )("%s, eta %d, alpha to one: %o", async (_, eta, setAlphaToOne, { config, n }) => {
    const path = pathFromDiffusers({
      _class_name: "DDIMScheduler",
      ...common(config),
      set_alpha_to_one: setAlphaToOne,
      clip_sample: false,
    });
    const theirs = ddimLoop({ ...config, eta, setAlphaToOne }, input(n, config.trainSteps));
    await compare(path, { steps: n, eta, rule: "ddim", diffusersStride: true }, theirs, config.trainSteps);
  });
});

describe("EulerDiscrete and EulerAncestralDiscrete", () => {
  const karras = variants.slice(0, 2).map(({ config, n }) => ({ config: { ...config, karras: true }, n }));
  test.each([...variants, ...karras].map((v) => [name(v), v] as const))("%s", async (_, { config, n }) => {
    const path = pathFromDiffusers({ _class_name: "EulerDiscreteScheduler", ...common(config) });
    await compare(path, { steps: n, eta: 0 }, eulerLoop(config, input(n, config.trainSteps)), config.trainSteps);
    if (config.karras) return;
    const ancestral = pathFromDiffusers({ _class_name: "EulerAncestralDiscreteScheduler", ...common(config) });
    const theirs = eulerLoop({ ...config, ancestral: true }, input(n, config.trainSteps));
    await compare(ancestral, { steps: n, eta: 1, rule: "ancestral" }, theirs, config.trainSteps);
    await compare(ancestral, { steps: n, eta: 1, rule: "gddim" }, theirs, config.trainSteps); // η 1 is ancestral
  });
});

describe("FlowMatchEuler", () => {
  test.each([1, 3, 5, 20].flatMap((n) => [1, 3, 1.7].map((shift) => [n, shift] as const)))(
    "%d steps, shift %d",
    async (n, shift) => {
      const path = pathFromDiffusers({ _class_name: "FlowMatchEulerDiscreteScheduler", shift });
      if (n > 1) await compare(path, { steps: n, eta: 0 }, flowLoop({ shift, byPipeline: false }, input(n, 1)), 1);
      await compare(
        rectifiedFlow(),
        { steps: n, eta: 0, shift },
        flowLoop({ shift, byPipeline: true }, input(n, 1)),
        1,
      );
    },
  );
});

describe("DPMSolverMultistep", () => {
  const karras = variants.slice(1, 3).map(({ config, n }) => ({ config: { ...config, karras: true }, n }));
  const cases = [...variants, ...karras].flatMap((v) =>
    [false, true].flatMap((sde) =>
      ([1, 2] as const).map((order) => [name(v), sde ? "sde-dpmsolver++" : "dpmsolver++", order, v] as const),
    ),
  );
  test.each(cases)("%s, %s, order %d", async (_, algorithm, order, { config, n }) => {
    const sde = algorithm === "sde-dpmsolver++";
    const path = pathFromDiffusers({
      _class_name: "DPMSolverMultistepScheduler",
      ...common(config),
      algorithm_type: algorithm,
      solver_order: order,
    });
    const theirs = dpmLoop(
      { ...config, order, type: "midpoint", sde, lowerOrderFinal: true },
      input(n, config.trainSteps),
    );
    const method: Partial<PlanOptions> = sde
      ? { rule: order === 1 ? "gddim" : "sde-dpm++-2m", eta: 1 }
      : { solver: order === 1 ? "euler" : "dpm++-2m", eta: 0 };
    await compare(path, { eta: 0, steps: n, ...method }, theirs, config.trainSteps);
  });
});
