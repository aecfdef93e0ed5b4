import { describePlan, plan, sample } from "@etalon/gddim";
import { rectifiedFlow } from "@etalon/schedules";

// Noise in steps 1 and 2 only, as MixGRPO trains; η = 1.2 is noise level 1.70 of Flow-GRPO.
const path = rectifiedFlow();
const mixed = plan({ path, steps: 5, eta: 1.2, sde: [1, 3], start: 0.98 });
console.log(
  describePlan(mixed)
    .map(({ t, s, rule, std }) => `${t} → ${s}: ${rule}, std ${std}`)
    .join("\n"),
); // console.table(describePlan(mixed)) has more columns

// Any model will do. This one knows that the data are N(2, 0.5²), and gives their exact velocity E[ε − x0 | x].
const denoiser = (x, t) => {
  const gain = (t - 0.25 * (1 - t)) / (0.25 * (1 - t) ** 2 + t * t);
  return x.map((v) => gain * (v - 2 * (1 - t)) - 2);
};

// In ten steps; in the limit both standard deviations are about 0.5 (0.51 for the ODE: it starts from 1 where the path has 0.98).
for (const method of [{ eta: 0 }, { eta: 0, solver: "dpm++-2m" }, { eta: 1.2 }, { eta: 1.2, rule: "sde-dpm++-2m" }]) {
  const made = plan({ path, steps: 10, start: 0.98, ...method });
  const x = await sample({ denoiser, plan: made, shape: [8], seed: 1, samples: 5000 }).run();
  const mean = x.reduce((sum, v) => sum + v) / x.length;
  const std = Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length);
  const name = `η ${method.eta}, ${method.rule ?? method.solver ?? (method.eta ? "gddim" : "euler")}`;
  console.log(`${name}: mean ${mean.toFixed(2)}, standard deviation ${std.toFixed(2)}`);
}

for await (const { index, logp } of sample({ denoiser, plan: mixed, shape: [8], seed: 1 })) {
  console.log(index, logp ? `log p ${logp[0].toFixed(2)}` : "no noise, no log-probability");
}
