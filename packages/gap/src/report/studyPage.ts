import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Study } from "../study/Study.ts";
import { type Html, html } from "./html.ts";
import { page } from "./page.ts";
import { etaChart, fewStepsChart, gapChart, rewardChart } from "./studyCharts.ts";
import {
  claimsSection,
  fewStepsTable,
  headlines,
  mainTable,
  pictureSection,
  richTable,
  unitsTable,
} from "./studySections.ts";
import { theoryChart } from "./theoryChart.ts";

/** The report of a study, as a page. */
export async function studyPage(study: Study, dir: string): Promise<string> {
  const { config, claims } = study;
  const rewards = [...new Set(config.trainings.map(({ reward }) => reward))];
  const etas = [...new Set(config.trainings.flatMap((training) => training.etas))].sort((a, b) => a - b);
  const sections: Html[] = [];
  for (const reward of rewards) sections.push(await rewardSection(study, dir, reward));
  return page("Etalon: the reward gap, a study", [
    html`<h1>The reward gap between SDE and ODE sampling</h1>
<p class="lead">A model is trained with a noisy sampler (an SDE at noise level η) and used with a deterministic one (the ODE). The gap is what that costs: SDE reward − ODE reward, on the same prompts from the same initial noise.</p>`,
    headlines(study),
    ...sections,
    html`<h2>The noise level in other tools' units</h2>${unitsTable(study)}
<h2>What theory says of it</h2>
<p>Where data are Gaussian and the model is exact, the gap can be computed without sampling. Training runs from left to right. The gap opens while the model learns and closes as it is done; its sign depends on η.</p>
<div class="sheet">${await theoryChart(etas, config.measure.steps)}</div>
<p class="note">Rectified flow from t = 0.98, ${config.measure.steps} steps, data N(0, 1), reward −½(x − 2)², measured at the η that was trained with. A model of the matter, not a fit to the curves above.</p>
<h2>How it was made, and how to repeat it</h2>
<p>All intervals are 95 %. Error bars are ± 1.96 standard errors of the pictures, paired for the gap. The claims' intervals are t-intervals over prompts: they speak of other prompts like these, not of other training seeds.</p>
${repeat(dir)}
<details><summary>The whole config</summary><pre>${JSON.stringify(config, null, 2)}</pre></details>
<p class="note">${claims.length} claims, ${study.runs.length} measurements; every number stands in study.json.</p>`,
  ]);
}

async function rewardSection(study: Study, dir: string, reward: string): Promise<Html> {
  const { config } = study;
  const claims = study.claims.filter((claim) => claim.reward === reward);
  const severalEtas = config.trainings.some((training) => training.reward === reward && training.etas.length > 1);
  const hasFew = study.runs.some((run) => run.reward === reward && run.rule === "flow-sde");
  return html`<h2>Reward: ${reward}</h2>
<h3>What came of the claims</h3>${claimsSection(claims)}
<h3>The pictures</h3>
<p class="note">The same prompts and initial noise in every row; ${config.measure.steps} steps.</p>${pictureSection(study, dir, reward)}
<h3>The gap along training</h3><div class="sheet">${await gapChart(study, reward)}</div>
<h3>Both rewards along training</h3><div class="sheet">${await rewardChart(study, reward)}</div>
<details><summary>The numbers</summary>${mainTable(study, reward)}</details>
${severalEtas ? html`<h3>Which η to train with</h3><div class="sheet">${await etaChart(study, reward)}</div>` : undefined}
${
  hasFew
    ? html`<h3>Few steps, after training</h3>
<p>gDDIM keeps the right amount of noise at any number of steps; Flow-SDE (Flow-GRPO, MixGRPO) is an Euler–Maruyama step and leaves too much of it in the picture when steps are few. What noise earns depends on the reward: a JPEG of noise is large.</p>
<div class="sheet">${await fewStepsChart(study, reward)}</div><details><summary>The numbers</summary>${fewStepsTable(study, reward)}</details>`
    : undefined
}
<h3>Short and rich prompts</h3>
<p class="note">Rich prompts are the short ones said at length.</p>${richTable(study, reward)}`;
}

/** The command, and what the study ran on. */
function repeat(dir: string): Html {
  const file = join(dir, "timings.json");
  const timings = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Timings) : undefined;
  const where = timings
    ? html`<p class="note">Engine ${timings.engine.name} ${timings.engine.version}, ${timings.workers === 0 ? "one process" : `${timings.workers} worker processes`}, ${(timings.seconds / 60).toFixed(1)} minutes.</p>`
    : undefined;
  return html`<pre>etalon study config.json -o runs/again    # config.json lies beside this report</pre>
<p class="note">The same config on the same machine and engine gives the same study.json, byte for byte.</p>${where}`;
}

interface Timings {
  engine: { name: string; version: string };
  workers: number;
  seconds: number;
}
