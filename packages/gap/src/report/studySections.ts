import { join } from "node:path";
import { flowGrpoNoiseLevel } from "@etalon/gddim";
import { loadPrompts } from "@etalon/models";
import { jobFolder } from "../study/runJobs.ts";
import type { Claim, Study, StudyRun } from "../study/Study.ts";
import { studyJobs } from "../study/studyJobs.ts";
import { type Html, html, table } from "./html.ts";
import { plusMinus, signed } from "./numbers.ts";
import { strips } from "./pictures.ts";
import { mainRuns } from "./studyCharts.ts";

const names: Record<Claim["id"], string> = {
  narrows: "The gap narrows in training",
  "best-eta": "An η near 1.2 is best, or nearly",
  "few-steps": "The ODE is better at few steps",
  "rich-prompts": "Richer prompts narrow the gap",
};

const meanings: Record<Claim["verdict"], string> = {
  supported: "These measurements support it: the whole interval lies on its side.",
  "not supported": "These measurements speak against it: the whole interval lies on the other side.",
  inconclusive: "These measurements leave it open: the interval lies on both sides.",
};

/** The claims of one reward with verdicts in plain words. */
export const claimsSection = (claims: readonly Claim[]): Html =>
  html`<div class="sheet">${claims.map(
    ({ id, statement, estimate, low, high, verdict }) => html`<div class="claim">
<span class="verdict ${verdict.replace(" ", "-")}">${verdict}</span>
<div><p><b>${names[id]}.</b> <span class="estimate">${signed(estimate)} [${signed(low)}, ${signed(high)}]</span></p>
<p class="note">${meanings[verdict]} ${statement}.</p></div></div>`,
  )}</div>`;

/** What came of each training, in one figure each. */
export function headlines(study: Study): Html {
  const figures = trainings(study).map(({ reward, trainEta, seed }) => {
    const runs = mainRuns(study, reward).filter(
      (run) => run.trainEta === trainEta && run.seed === seed && run.split === "in-domain",
    );
    const [before, after] = [runs[0], runs[runs.length - 1]];
    const rise = after.odeRise ?? { mean: 0, sem: 0 };
    const errors = rise.sem > 0 ? rise.mean / rise.sem : 0;
    return html`<div class="figure"><span>${reward}, trained at η ${trainEta}${seedOf(study, reward, seed)}</span>
<b>${signed(before.ode.mean)} → ${signed(after.ode.mean)}</b>
<span>ODE reward, ${errors < 0 ? "−" : "+"}${Math.abs(errors).toFixed(1)} standard errors<br>gap ${plusMinus(before.gap)} → ${plusMinus(after.gap)}</span></div>`;
  });
  return html`<div class="figures">${figures}</div>`;
}

/** Rewards and gaps of the main measurements. */
export const mainTable = (study: Study, reward: string): Html =>
  table(
    ["η", "seed", "prompts", "epoch", "ODE reward", "SDE reward", "gap", "rise of the ODE reward"],
    mainRuns(study, reward).map((run) => [
      `${run.trainEta}`,
      `${run.seed}`,
      run.split,
      `${run.epoch}`,
      ...values(run),
      run.odeRise ? plusMinus(run.odeRise) : "",
    ]),
  );

/** Short beside rich prompts. */
export function richTable(study: Study, reward: string): Html {
  const runs = study.runs.filter(
    (run) => run.reward === reward && run.steps === study.config.measure.steps && run.rule === "gddim",
  );
  const rich = runs.filter(({ prompts }) => prompts === "rich");
  const twin = (run: StudyRun) =>
    runs.find(
      (other) =>
        other.prompts === "short" &&
        (["trainEta", "seed", "epoch", "split"] as const).every((key) => other[key] === run[key]),
    );
  return table(
    ["η", "prompts", "epoch", "ODE reward, short", "ODE reward, rich", "gap, short", "gap, rich"],
    rich.flatMap((run) => {
      const short = twin(run);
      return short
        ? [
            [
              `${run.trainEta}`,
              run.split,
              `${run.epoch}`,
              plusMinus(short.ode),
              plusMinus(run.ode),
              plusMinus(short.gap),
              plusMinus(run.gap),
            ],
          ]
        : [];
    }),
  );
}

/** The measurements at few steps. */
export function fewStepsTable(study: Study, reward: string): Html {
  const few = new Set(study.config.measure.fewSteps);
  const all = study.runs.filter((run) => run.reward === reward && run.prompts === "short" && run.split === "in-domain");
  const last = Math.max(...all.map(({ epoch }) => epoch));
  const runs = all
    .filter((run) => run.epoch === last && few.has(run.steps))
    .sort((a, b) => a.trainEta - b.trainEta || a.steps - b.steps);
  const sampler = ({ rule, evalEta }: StudyRun) => (rule === "gddim" ? `gDDIM η ${evalEta}` : `Flow-SDE a ${evalEta}`);
  return table(
    ["trained at η", "steps", "SDE sampler", "ODE reward", "SDE reward", "gap"],
    runs.map((run) => [`${run.trainEta}`, `${run.steps}`, sampler(run), ...values(run)]),
  );
}

/** The study's noise levels as other tools name them. */
export const unitsTable = (study: Study): Html =>
  table(
    ["η, as here", "noise level a of Flow-GRPO and MixGRPO, η·√2", "what it is"],
    [...new Set(study.config.trainings.flatMap(({ etas }) => etas))]
      .sort((a, b) => a - b)
      .map((eta) => [
        `${eta}`,
        flowGrpoNoiseLevel(eta).toFixed(2),
        eta === 1
          ? "ancestral sampling on VP"
          : eta < 1
            ? "between the ODE and ancestral sampling"
            : "noisier than ancestral sampling",
      ]),
  );

/** The same pictures before and after each training, by both samplers. */
export function pictureSection(study: Study, dir: string, reward: string): Html {
  const { pictures, steps } = study.config.measure;
  const prompts = loadPrompts(study.config.prompts.inDomain);
  const shown = Array.from(
    { length: Math.min(pictures, study.config.measure.samples) },
    (_, i) => prompts[i % prompts.length],
  );
  const parts = studyJobs(study.config)
    .filter((job) => job.reward === reward)
    .map((job) => {
      const folder = join(jobFolder(dir, job), "pictures");
      const file = (epoch: number, sampler: string) =>
        join(folder, `epoch${epoch}-in-domain-short-${steps}steps-${sampler}.png`);
      const last = job.epochs[job.epochs.length - 1];
      const rows = [
        { label: "ODE, before", file: file(0, "ode") },
        { label: "ODE, after", file: file(last, "ode") },
        { label: "SDE, before", file: file(0, `gddim-${job.eta}`) },
        { label: "SDE, after", file: file(last, `gddim-${job.eta}`) },
      ];
      return html`<h3>Trained at η ${job.eta}${seedOf(study, reward, job.seed)}</h3>${strips(rows, shown)}`;
    });
  return html`<div class="sheet">${parts}</div>`;
}

const values = ({ ode, sde, gap }: StudyRun): string[] => [plusMinus(ode), plusMinus(sde), plusMinus(gap)];

/** Names a training's seed where its reward has several. */
const seedOf = ({ config }: Study, reward: string, seed: number): string =>
  config.trainings.some(({ reward: own, seeds }) => own === reward && seeds.length > 1) ? `, seed ${seed}` : "";

/** The trainings of a study, in the config's order. */
const trainings = ({ config }: Study) =>
  config.trainings.flatMap(({ reward, etas, seeds }) =>
    etas.flatMap((trainEta) => seeds.map((seed) => ({ reward, trainEta, seed }))),
  );
