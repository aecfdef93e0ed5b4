import { describePlan, plan, sample } from "@etalon/gddim";
import { rectifiedFlow } from "@etalon/schedules";

// Noise in steps 1 and 2 only, as MixGRPO trains; η = 1.2 is noise level 1.70 of Flow-GRPO.
const path = rectifiedFlow();
const mixed = plan({ path, steps: 5, eta: 1.2, sde: [1, 3], start: 0.98 });
console.log(
  describePlan(mixed)
    .map(({ t, s, rule, std }) => `${t} → ${s}: ${rule}, std ${std}`)
    .join("\n"),
);

// Any model will do. This one knows that the data are N(2, 0.5²), and gives their exact velocity E[ε − x0 | x].
const denoiser = (x, t) => {
  const gain = (t - 0.25 * (1 - t)) / (0.25 * (1 - t) ** 2 + t * t);
  return x.map((v) => gain * (v - 2 * (1 - t)) - 2);
};

for (const eta of [0, 1.2]) {
  const x = await sample({
    denoiser,
    plan: plan({ path, steps: 20, eta, start: 0.98 }),
    shape: [8],
    seed: 1,
    samples: 5000,
  }).run();
  const mean = x.reduce((sum, v) => sum + v) / x.length;
  const std = Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length);
  console.log(`η ${eta}: mean ${mean.toFixed(2)}, standard deviation ${std.toFixed(2)}`);
}

for await (const { index, logp } of sample({ denoiser, plan: mixed, shape: [8], seed: 1 })) {
  console.log(index, logp ? `log p ${logp[0].toFixed(2)}` : "no noise, no log-probability");
}
