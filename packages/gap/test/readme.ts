import { gaussianGap, measureGap } from "@etalon/gap";
import { rectifiedFlow, timeGrid } from "@etalon/schedules";

// The gap of the tiny default between the SDE at η = 1.2 and the ODE: 32 pairs, the same prompts and x_T
const { line } = await measureGap({
  model: "tiny",
  reward: "jpeg-incompressibility",
  prompts: "tiny-train",
  eta: 1.2,
  steps: 8,
  n: 32,
});
console.log(`measured ${line.gap.mean.toFixed(3)} ± ${line.gap.sem.toFixed(3)}`);

// What theory says of a Gaussian, trained until β = 0.1
const path = rectifiedFlow();
const times = timeGrid(path, 20, { start: 0.98 });
const options = { path, times, eta: 0.7, data: { mean: 0, variance: 1 }, reward: { target: 2, curvature: 1 } };
console.log(
  `exact ${gaussianGap(options).gap.toFixed(4)} untrained, ${gaussianGap({ ...options, beta: 0.1 }).gap.toFixed(4)} trained`,
);
