import { createHash } from "node:crypto";
import { type Html, html, raw } from "../report/html.ts";
import { page } from "../report/page.ts";
import { gapCharts, metricsCharts } from "../report/runCharts.ts";
import type { LiveRun } from "./LiveRun.ts";

/** Fetches the page again and puts its new middle in place of the old one. Nothing else runs in the page. */
const script = `
let last = "";
async function refresh() {
  try {
    const answer = await fetch(location.pathname, { cache: "no-store" });
    const text = await answer.text();
    if (answer.ok && text !== last) {
      const fresh = new DOMParser().parseFromString(text, "text/html");
      document.querySelector("main").replaceWith(fresh.querySelector("main"));
      document.title = fresh.title;
      last = text;
    }
    document.body.classList.toggle("lost", !answer.ok);
  } catch {
    document.body.classList.add("lost");
  }
  setTimeout(refresh, 2000);
}
setTimeout(refresh, 2000);
`;

const style = `
.state { display: inline-block; font-size: 13px; font-weight: 650; border-radius: 99px; padding: 1px 11px; border: 1px solid currentColor; vertical-align: middle; }
.state.running { color: var(--good); } .state.ended { color: var(--soft); } .state.stopped { color: var(--open); }
progress { width: 100%; height: 8px; accent-color: var(--mark); }
.runs { display: grid; gap: 16px; margin-top: 28px; }
.run { display: grid; grid-template-columns: 148px 1fr; gap: 22px; color: inherit; text-decoration: none; }
.run h2 { margin: 0 0 6px; font-size: 19px; overflow-wrap: anywhere; }
.run img, .run .none { width: 148px; height: 148px; object-fit: cover; image-rendering: pixelated; border-radius: 6px; background: var(--line); display: block; }
.run dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 4px 18px; margin: 10px 0 0; }
.run dt { color: var(--soft); font-size: 12.5px; } .run dd { margin: 0; font-variant-numeric: tabular-nums; }
.one { white-space: nowrap; } .figure small { font-size: 15px; font-weight: 400; color: var(--soft); letter-spacing: 0; } .run small { font-size: 13px; color: var(--soft); }
body.lost main { opacity: 0.45; } body.lost::after { content: "connection lost"; position: fixed; top: 14px; right: 18px; color: var(--bad); }
`;

/** What the pages allow a browser to do: their own style, their one script, pictures of this server. */
export const contentPolicy = `default-src 'none'; img-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'sha256-${createHash("sha256").update(script).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const head = html`<style>${raw(style)}</style><script>${raw(script)}</script>`;

/** All runs of a folder, a card each; `faults` are runs that cannot be read. */
export function overviewPage(runs: readonly LiveRun[], faults: readonly string[]): string {
  const running = runs.filter(({ isRunning }) => isRunning).length;
  return page(
    `Etalon: ${running} running`,
    [
      html`<h1>Runs</h1><p class="lead">${running} running, ${runs.length} in all.</p>`,
      runs.length === 0 ? html`<p>No run is here yet. <code>etalon train</code> makes one.</p>` : html``,
      html`<div class="runs">${runs.map(card)}</div>`,
      ...faults.map((fault) => html`<p class="note">${fault}</p>`),
    ],
    head,
  );
}

function card(run: LiveRun): Html {
  const grid = run.samples.at(-1);
  const picture = grid ? html`<img alt="samples after epoch ${grid.epoch}" src="${sampleLink(run, grid.file)}">` : html`<span class="none"></span>`; // biome-ignore format: one thought
  return html`<a class="sheet run" href="/run/${encodeURIComponent(run.name)}">${picture}<div><h2>${run.name} ${state(run)}</h2>${bar(run)}
<dl>${figures(run).map((figure) => html`<div><dt>${figure[0]}</dt><dd>${valueAndAside(figure)}</dd></div>`)}</dl></div></a>`;
}

/** One run: progress, figures, curves, sample grids. */
export async function liveRunPage(run: LiveRun): Promise<string> {
  return page(
    `Etalon: ${run.name}`,
    [
      html`<p class="note"><a href="/">All runs</a></p><h1>${run.name} ${state(run)}</h1>
<p class="lead">Towards ${run.reward}, at η ${run.eta}.</p>${bar(run)}`,
      html`<div class="figures">${figures(run).map((figure) => html`<div class="figure"><span>${figure[0]}</span><b>${valueAndAside(figure)}</b></div>`)}</div>`,
      run.gaps.length > 0 ? html`<h2>The reward gap along training</h2><div class="sheet">${await gapCharts(run.gaps)}</div>` : html``, // biome-ignore format: one thought
      run.metrics.length > 0 ? html`<h2>Updates</h2><div class="sheet">${await metricsCharts(thinned(run.metrics))}</div>` : html`<p>No update is done yet.</p>`, // biome-ignore format: one thought
      samples(run),
    ],
    head,
  );
}

const state = ({ isRunning, epoch, epochs }: LiveRun): Html =>
  isRunning
    ? html`<span class="state running">running</span>`
    : epoch >= epochs && epochs > 0
      ? html`<span class="state ended">done</span>`
      : html`<span class="state stopped">stopped</span>`;

function bar({ epoch, epochs, pace, left }: LiveRun): Html {
  const parts = [`epoch ${epoch} of ${epochs}`, pace === undefined ? "" : `${pace.toPrecision(3)} s/it`, left === undefined ? "" : `${duration(left)} left`]; // biome-ignore format: one thought
  return html`<progress max="${Math.max(1, epochs)}" value="${epoch}"></progress><div class="caption">${parts.filter(Boolean).join(", ")}</div>`;
}

/** A figure of a run: its name, the value, and what stands small beside it. */
type Figure = readonly [name: string, value: string, aside?: string];

function figures({ metrics, samples, gaps, best, images }: LiveRun): Figure[] {
  const [update, grid, gap] = [metrics.at(-1), samples.at(-1), gaps.at(-1)];
  const rows: (Figure | undefined)[] = [
    update && ["reward of rollouts", short(update.reward.mean), plusMinus(update.reward.std / Math.sqrt(images))],
    grid && ["ODE reward", short(grid.ode.mean), plusMinus(grid.ode.sem)],
    best && ["best ODE reward", short(best.ode.mean), `epoch ${best.epoch}`],
    gap && ["reward gap", short(gap.gap.mean), plusMinus(gap.gap.sem)],
    update && ["share clipped", `${(100 * update.clipFraction).toFixed(0)} %`],
    update && update.skipped > 0 ? ["steps left out", `${update.skipped}`] : undefined,
  ];
  return rows.flatMap((row) => (row ? [row] : []));
}

/** A value on one line with what belongs to it; where both do not fit, the line breaks between them. */
const valueAndAside = ([, value, aside]: Figure): Html =>
  html`<span class="one">${value}</span>${aside === undefined ? "" : html` <small class="one">${aside}</small>`}`;

function samples(run: LiveRun): Html {
  if (run.samples.length === 0) return html``;
  const shown = [run.samples[0], ...run.samples.slice(1).slice(-5)];
  const figure = ({ epoch, file, ode }: LiveRun["samples"][number]) =>
    html`<figure class="grid" style="margin:0"><img alt="samples after epoch ${epoch}" src="${sampleLink(run, file)}"><figcaption class="caption">epoch ${epoch}, reward ${short(ode.mean)}</figcaption></figure>`;
  return html`<h2>Samples</h2><p class="note">The same prompts and initial noise, by the ODE: the first grid and the newest.</p><div class="grids">${shown.map(figure)}</div>`;
}

const sampleLink = ({ name }: LiveRun, file: string): string => `/sample/${encodeURIComponent(name)}/${file.replace(/^samples\//, "")}`; // biome-ignore format: one thought

/** At most some hundred of many values, evenly, the last one among them. */
function thinned<T>(values: readonly T[], most = 400): readonly T[] {
  const every = Math.ceil(values.length / most);
  return values.filter((_, i) => (values.length - 1 - i) % every === 0);
}

/** Three digits; all of those before the point. */
const short = (value: number): string => (Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(3)).replace("-", "−"); // biome-ignore format: one thought

/** A standard error, to two digits. */
const plusMinus = (sem: number): string => `± ${sem >= 100 ? sem.toFixed(0) : sem.toPrecision(2)}`;

const duration = (seconds: number): string =>
  seconds < 90
    ? `${Math.round(seconds)} s`
    : seconds < 5400
      ? `${Math.round(seconds / 60)} min`
      : `${(seconds / 3600).toPrecision(2)} h`;
