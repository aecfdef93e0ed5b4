import type { StochasticRule } from "./rules.ts";
import type { Solver } from "./solvers.ts";

/** What a sampler is, and what holds of it; tests check every property that is stated here. */
export interface SamplerEntry {
  /** Its name in a plan, as `rule` or as `solver`. */
  readonly name: StochasticRule | Solver;
  readonly kind: "rule" | "solver";
  /** The function that makes its step. */
  readonly step: string;
  readonly formula: string;
  /** Paper and equation. */
  readonly source: string;
  /** Whether a step with the exact x̂0 and ε̂ keeps the path's marginal: for a one-point data law the law of x_s is exact. */
  readonly keepsMarginals: boolean;
  /** The largest η: a number, "none", or "of the step" where it depends on it. null: it has no η. */
  readonly largestEta: number | "none" | "of the step" | null;
  /** Order of the marginal's error in the step size, for exact scores: 1, 2 or 3; 0 where finer steps reach no limit. */
  readonly order: 0 | 1 | 2 | 3;
  /** Model evaluations a step. */
  readonly evaluations: 1 | 2;
  readonly paths: "all" | "variance-preserving" | "flow";
  /** What others call it. */
  readonly elsewhere: string;
}

const xs = "x_s = α_s x̂0 + σ_s (ρ ε̂ + √(1 − ρ²) z)";

/** Every step that a plan knows, with what is claimed of it: the table of docs/samplers.md. */
export const samplers: readonly SamplerEntry[] = [
  {
    ...{
      name: "gddim",
      kind: "rule",
      step: "gddimStep",
      keepsMarginals: true,
      largestEta: "none",
      order: 1,
      evaluations: 1,
      paths: "all",
    },
    formula: `${xs}, ρ = r^(η²), r = (σ_s/α_s)/(σ_t/α_t)`,
    source: "gDDIM, arXiv:2206.05564, whose λ is η; used in RL by arXiv:2510.10767",
    elsewhere: "η 1 on VP: DDPM; SDE-DPM-Solver++ of order 1; Flow-GRPO's noise level a is its η = a/√2 in small steps",
  },
  {
    ...{
      name: "ddim",
      kind: "rule",
      step: "ddimStep",
      keepsMarginals: true,
      largestEta: "of the step",
      order: 1,
      evaluations: 1,
      paths: "variance-preserving",
    },
    formula: `${xs}, ρ² = 1 − η² (1 − r²)`,
    source: "DDIM, arXiv:2010.02502, eqs. 12 and 16",
    elsewhere: "diffusers DDIMScheduler with eta; ddpo-pytorch; TRL's DDPO",
  },
  {
    ...{
      name: "ancestral",
      kind: "rule",
      step: "ancestralStep",
      keepsMarginals: true,
      largestEta: "of the step",
      order: 1,
      evaluations: 1,
      paths: "all",
    },
    formula: `${xs}, ρ² = 1 − η² (1 − r²)`,
    source: "DDPM, arXiv:2006.11239, eq. 7 (η 1); k-diffusion, get_ancestral_step (any η)",
    elsewhere: "diffusers DDPMScheduler (fixed_small), EulerAncestralDiscreteScheduler; “Euler a”",
  },
  {
    ...{
      name: "cps",
      kind: "rule",
      step: "cpsStep",
      keepsMarginals: true,
      largestEta: 1,
      order: 0,
      evaluations: 1,
      paths: "all",
    },
    formula: `${xs}, ρ = cos(ηπ/2)`,
    source: "Flow-CPS, arXiv:2509.05952",
    elsewhere: "Flow-CPS; its η is a share of each step, so finer steps mean more noise in all",
  },
  {
    ...{
      name: "euler-maruyama",
      kind: "rule",
      step: "eulerMaruyamaStep",
      keepsMarginals: false,
      largestEta: "none",
      order: 1,
      evaluations: 1,
      paths: "all",
    },
    formula: "x + (α' x̂0 + σ' ε̂)Δ − η² σ λ'Δ ε̂ + η σ √(2λ'Δ) z, Δ = s − t",
    source: "score SDEs, arXiv:2011.13456, eq. 6",
    elsewhere: "the Euler–Maruyama predictor of score_sde (η 1)",
  },
  {
    ...{
      name: "flow-sde",
      kind: "rule",
      step: "flowSdeStep",
      keepsMarginals: false,
      largestEta: "none",
      order: 1,
      evaluations: 1,
      paths: "flow",
    },
    formula: "Euler–Maruyama with diffusion g = η √(t/(1 − t)); at t = 1 the next time stands in 1 − t",
    source: "Flow-GRPO, arXiv:2505.05470; MixGRPO, arXiv:2507.21802",
    elsewhere: "flow_grpo's sde_step_with_logprob; MixGRPO's flow_grpo_step",
  },
  {
    ...{
      name: "dance-sde",
      kind: "rule",
      step: "danceSdeStep",
      keepsMarginals: false,
      largestEta: "none",
      order: 1,
      evaluations: 1,
      paths: "flow",
    },
    formula: "Euler–Maruyama with diffusion g = η",
    source: "DanceGRPO, arXiv:2505.07818",
    elsewhere: "DanceGRPO's and MixGRPO's dance_grpo_step",
  },
  {
    ...{
      name: "sde-dpm++-2m",
      kind: "rule",
      step: "dpmSolverStep",
      keepsMarginals: true,
      largestEta: "none",
      order: 2,
      evaluations: 1,
      paths: "all",
    },
    formula: "(σ_s/σ_t) e^(−η²h) x + α_s (1 − e^(−(1+η²)h)) (x̂0 + ½ D1) + σ_s √(1 − e^(−2η²h)) z, h = λ_s − λ_t",
    source: "DPM-Solver++, arXiv:2211.01095, section 5 (η 1); SA-Solver, arXiv:2309.05019 (any η)",
    elsewhere: "diffusers DPMSolverMultistepScheduler with sde-dpmsolver++ (η 1); “DPM++ 2M SDE”",
  },
  {
    ...{
      name: "euler",
      kind: "solver",
      step: "marginalStep",
      keepsMarginals: true,
      largestEta: null,
      order: 1,
      evaluations: 1,
      paths: "all",
    },
    formula: "x_s = α_s x̂0 + σ_s ε̂",
    source: "DDIM, arXiv:2010.02502, eq. 12 with σ = 0; on flow, Euler's method on the velocity",
    elsewhere:
      "diffusers DDIMScheduler (eta 0), EulerDiscreteScheduler, FlowMatchEulerDiscreteScheduler; DPM-Solver of order 1",
  },
  {
    ...{
      name: "heun",
      kind: "solver",
      step: "heunStep",
      keepsMarginals: true,
      largestEta: null,
      order: 2,
      evaluations: 2,
      paths: "all",
    },
    formula: "x + ½(α_s − α_t)(x̂0 + x̂0') + ½(σ_s − σ_t)(ε̂ + ε̂'), the primed at the Euler step's end",
    source: "EDM, arXiv:2206.00364, algorithm 1",
    elsewhere:
      "diffusers FlowMatchHeunDiscreteScheduler, and HeunDiscreteScheduler on a path in VE coordinates (`asVarianceExploding`)",
  },
  {
    ...{
      name: "dpm++-2m",
      kind: "solver",
      step: "dpmSolverStep",
      keepsMarginals: true,
      largestEta: null,
      order: 2,
      evaluations: 1,
      paths: "all",
    },
    formula: "(σ_s/σ_t) x + α_s (1 − e^(−h)) (x̂0 + ½ D1), D1 the last slope of x̂0 in λ times h",
    source: "DPM-Solver++, arXiv:2211.01095, algorithm 2",
    elsewhere: "diffusers DPMSolverMultistepScheduler (dpmsolver++, midpoint); “DPM++ 2M”; MixGRPO-Flash",
  },
  {
    ...{
      name: "dpm++-3m",
      kind: "solver",
      step: "dpmSolverStep",
      keepsMarginals: true,
      largestEta: null,
      order: 3,
      evaluations: 1,
      paths: "all",
    },
    formula: "(σ_s/σ_t) x + α_s ∫_0^h e^(−(h−u)) x̂0(u) du with x̂0 a parabola in λ; the first step is Heun's",
    source:
      "DPM-Solver++, arXiv:2211.01095; the third order as published is of order 2 (`publishedThirdOrder` repeats it)",
    elsewhere: "diffusers DPMSolverMultistepScheduler with solver_order 3, but for that fault",
  },
  {
    ...{
      name: "deis-2",
      kind: "solver",
      step: "deisStep",
      keepsMarginals: true,
      largestEta: null,
      order: 2,
      evaluations: 1,
      paths: "all",
    },
    formula: "(α_s/α_t) x + α_s ∫ ε̂ dρ, ρ = σ/α, with ε̂ a line through the last 2 outputs",
    source: "DEIS, arXiv:2204.13902; gDDIM, arXiv:2206.05564, algorithm 1 (its predictor)",
    elsewhere: "diffusers DEISMultistepScheduler (logrho); gDDIM's predictor with q = 2",
  },
  {
    ...{
      name: "deis-3",
      kind: "solver",
      step: "deisStep",
      keepsMarginals: true,
      largestEta: null,
      order: 3,
      evaluations: 1,
      paths: "all",
    },
    formula: "(α_s/α_t) x + α_s ∫ ε̂ dρ with ε̂ a parabola through the last 3 outputs; the first step is Heun's",
    source: "DEIS, arXiv:2204.13902; gDDIM, arXiv:2206.05564, algorithm 1 (its predictor)",
    elsewhere: "diffusers DEISMultistepScheduler with solver_order 3; gDDIM's predictor with q = 3",
  },
  {
    ...{
      name: "gddim-pc-2",
      kind: "solver",
      step: "gddimPredictorCorrector",
      keepsMarginals: true,
      largestEta: null,
      order: 2,
      evaluations: 2,
      paths: "all",
    },
    formula: "deis-2, then the same integral with ε̂ a line through the outputs at the predicted state and at x",
    source: "gDDIM, arXiv:2206.05564, algorithm 1",
    elsewhere: "gDDIM's predictor–corrector; UniPC (arXiv:2302.04867) is of this kind, with one evaluation",
  },
  {
    ...{
      name: "gddim-pc-3",
      kind: "solver",
      step: "gddimPredictorCorrector",
      keepsMarginals: true,
      largestEta: null,
      order: 3,
      evaluations: 2,
      paths: "all",
    },
    formula:
      "deis-3, then the same integral with ε̂ a parabola through the outputs at the predicted state, at x and at the step before; the first step is Heun's",
    source: "gDDIM, arXiv:2206.05564, algorithm 1",
    elsewhere: "gDDIM's predictor–corrector with q = 3",
  },
];
