import { rectifiedFlow, stableDiffusion15, timeGrid } from "@etalon/schedules";
import {
  ancestralStep,
  ddimStep,
  etaOfFlowGrpo,
  flowGrpoNoiseLevel,
  flowSdeStep,
  gddimStep,
  type SamplerEntry,
  samplers,
} from "../src/index.ts";
import { measuredOrder, stretchesOf } from "./orders.ts";

const sd = stableDiffusion15();
const flow = rectifiedFlow();

/** docs/samplers.md, made of the table in src/samplers.ts and of numbers that the code gives. */
export function samplersPage(): string {
  return `# Which sampler am I?

*Made by the code: \`npx vitest run --project gddim samplersPage -u\` writes it anew, and a test fails where it is not current. Formulas: [math.md](math.md) §1 and §2.*

x̂0 and ε̂ are the data and the noise that the model's output means at time t; the step goes from t to s, nearer the data; λ = log(α/σ), r = e^(−(λ_s − λ_t)); z is fresh
noise. Every step is affine: mean = a·x + b·o (+ earlier outputs), sample = mean + std·z.

## Stochastic steps (\`plan({ rule })\`)

${table(
  ["rule", "step", "formula", "keeps the marginals", "largest η", "order", "evaluations", "paths", "source"],
  rows("rule", (e) => [
    code(e.name),
    code(e.step),
    e.formula,
    e.keepsMarginals ? "yes" : "no",
    largest(e),
    order(e),
    `${e.evaluations}`,
    e.paths,
    e.source,
  ]),
)}

## ODE steps (\`plan({ solver })\`)

${table(
  ["solver", "step", "formula", "order", "evaluations", "paths", "source"],
  rows("solver", (e) => [code(e.name), code(e.step), e.formula, order(e), `${e.evaluations}`, e.paths, e.source]),
)}

"Keeps the marginals": with the exact x̂0 and ε̂ of a one-point data law the law of x_s is exact; then mean-noise² + std² = σ_s². "Order": of the error of the marginal's mean and
variance at every step, for Gaussian data with the exact score, as the steps get finer; 0 means that it does not vanish. In brackets what was measured from 160 to 320 steps, the least over
paths, predictions and η 0.4 and 1. The solvers of order 3 begin with one step of Heun's (\`startUp\`), since a first step of order 1 would spoil their order.

## What you may know it as

${table(
  ["elsewhere", "here"],
  samplers.map((e) => [e.elsewhere, `${code(e.name)}, as \`${e.kind}\``]),
)}

## η is not the same number everywhere

The noise level a of Flow-GRPO and MixGRPO is, in small steps, η = a/√2 here. Their Euler–Maruyama step leaves excess noise behind: how much σ_s is exceeded, in standard deviations, from t = 0.9
of a flow with 10 and 25 even steps.

${table(
  ["their a", "η here", "excess, 10 steps", "excess, 25 steps"],
  [0.3, 0.7, 1.2, flowGrpoNoiseLevel(1.2)].map((a) => [num(a), num(etaOfFlowGrpo(a)), excess(a, 10), excess(a, 25)]),
)}

The noise that a step draws, as a share of σ_s, at three steps of Stable Diffusion v1.5's grid of 20, and the largest η at which DDIM's and the ancestral step exist there:

${table(
  ["step", "gDDIM η 0.3", "η 1", "η 1.2", "η 3", "largest η of DDIM", "… of ancestral"],
  [0, 10, 18].map((i) => {
    const [t, s] = timeGrid(sd, 20).slice(i, i + 2);
    const share = (eta: number) => num(gddimStep(sd, t, s, eta).std / sd.at(s).sigma);
    return [
      `${t} → ${s}`,
      share(0.3),
      share(1),
      share(1.2),
      share(3),
      largestOf((eta) => ddimStep(sd, t, s, eta)),
      largestOf((eta) => ancestralStep(sd, t, s, eta)),
    ];
  }),
)}

## The ends

- **α_t = 0** (flow at t = 1): r = 0 and r^0 = 1. The ODE step is as everywhere; any η > 0 re-draws all noise, so the step teaches nothing: start the grid later, or leave the step out of
  \`sde\`. Euler–Maruyama has an infinite drift there and refuses; Flow-SDE takes s for t in 1 − t, as its authors do. An ε-model tells nothing of x0: an error says so.
- **σ_s = 0** (the last step on flow and VP): no noise, no log-probability; a plan makes it an ODE step. λ is infinite there, so multistep methods fall back to order 1 (but for
  \`deisStep\` over ρ), and predictor–corrector methods leave the corrector out.
- **Equal times**: a step function gives the identity; a plan and a grid refuse them by name.
- **η from 1e-12 to 1e6**: std is taken by expm1, so a small η keeps its digits; a large one underflows r^(η²) to 0, which is right: all noise is re-drawn.
- **DDIM and ancestral beyond their largest η**: an error with η, the step and that η. Never NaN.
`;
}

const code = (text: string) => `\`${text}\``;
const num = (x: number): string => String(Number(x.toPrecision(3)));
const rows = (kind: string, row: (entry: SamplerEntry) => string[]) => samplers.filter((e) => e.kind === kind).map(row);
const largest = ({ largestEta }: SamplerEntry) => `${largestEta}`;

function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...body.map(line)].join("\n");
}

/** The order that is stated, and the least that is measured. */
function order(entry: SamplerEntry): string {
  const etas = entry.kind === "rule" ? [0.4, 1] : [0];
  const measured = stretchesOf(entry).flatMap((stretch) => etas.map((eta) => measuredOrder(entry, stretch, 160, eta)));
  return `${entry.order} (${Math.min(...measured).toFixed(1)})`;
}

function excess(level: number, n: number): string {
  const { a, b, std } = flowSdeStep(flow, 0.9, 0.9 - 1 / n, level);
  return `${Math.round(100 * (Math.hypot(a * 0.9 + b, std) / (0.9 - 1 / n) - 1))} %`;
}

/** The largest η that a step does not refuse, by bisection. */
function largestOf(step: (eta: number) => unknown): string {
  let [low, high] = [0, 1e3];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    try {
      step(middle);
      low = middle;
    } catch {
      high = middle;
    }
  }
  return num(low);
}
