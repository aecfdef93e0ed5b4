import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describeEta, type Metrics, type TrainConfig } from "@etalon/trainers";
import type { EpochGap } from "../measure/measuredTraining.ts";
import { type Html, html, table } from "./html.ts";
import { plusMinus } from "./numbers.ts";
import { page } from "./page.ts";
import { picture } from "./pictures.ts";
import { readLines } from "./readLines.ts";
import { gapCharts, metricsCharts } from "./runCharts.ts";

/** The report of a single training run, as a page: metrics, sample grids, measurements of the gap where there are any. */
export async function runPage(dir: string): Promise<string> {
  const metrics = readLines<Metrics>(join(dir, "metrics.jsonl"));
  const config: unknown = JSON.parse(readFileSync(join(dir, "config.json"), "utf8"));
  const { reward, sampler } = config as { reward: unknown; sampler?: Pick<TrainConfig["sampler"], "eta"> };
  const name = typeof reward === "string" ? reward : "a mix of rewards";
  const [first, last] = [metrics[0], metrics[metrics.length - 1]];
  const seconds = metrics.reduce((sum, m) => sum + m.seconds.update, 0);
  const gapFile = join(dir, "gap.jsonl");
  const gaps = existsSync(gapFile) ? readLines<EpochGap>(gapFile) : [];
  return page(`Etalon: a run towards ${name}`, [
    html`<h1>A training run towards ${name}</h1>
<p class="lead">${metrics.length} updates at η ${sampler ? describeEta(sampler.eta) : "?"}.</p>`,
    last
      ? html`<div class="figures">
<div class="figure"><span>reward of rollouts, first → last update</span><b>${first.reward.mean.toFixed(3)} → ${last.reward.mean.toFixed(3)}</b></div>
<div class="figure"><span>ratio, last update: mean, max</span><b>${last.ratio.mean.toFixed(4)}, ${last.ratio.max.toFixed(4)}</b></div>
<div class="figure"><span>spent on updates</span><b>${seconds.toFixed(0)} s</b></div></div>`
      : html`<p>No update is done yet.</p>`,
    gaps.length > 0
      ? html`<h2>The reward gap along training</h2><div class="sheet">${await gapCharts(gaps)}</div>${gapTable(gaps)}`
      : html``,
    metrics.length > 0 ? html`<h2>Metrics</h2><div class="sheet">${await metricsCharts(metrics)}</div>` : html``,
    samplesSection(dir),
    html`<h2>Config</h2><pre>${JSON.stringify(config, null, 2)}</pre>`,
  ]);
}

const gapTable = (gaps: readonly EpochGap[]): Html =>
  table(
    ["epoch", "η", "steps", "pairs", "ODE reward", "SDE reward", "gap"],
    gaps.map(({ epoch, eta, steps, n, ode, sde, gap }) => [
      `${epoch}`,
      `${eta}`,
      `${steps}`,
      `${n}`,
      plusMinus(ode),
      plusMinus(sde),
      plusMinus(gap),
    ]),
  );

function samplesSection(dir: string): Html {
  const folder = join(dir, "samples");
  const files = existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith(".png"))
        .sort()
    : [];
  if (files.length === 0) return html``;
  return html`<h2>Samples</h2><p class="note">The same prompts and initial noise, by the ODE.</p>
<div class="grids">${files.map((file) => html`<figure class="grid" style="margin:0">${picture(join(folder, file), `samples after epoch ${Number(file.slice(0, -4))}`)}<figcaption class="caption">epoch ${Number(file.slice(0, -4))}</figcaption></figure>`)}</div>`;
}
