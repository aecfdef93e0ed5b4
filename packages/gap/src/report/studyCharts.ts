import type { TopLevelSpec } from "vega-lite";
import type { Study, StudyRun } from "../study/Study.ts";
import { chart, palette } from "./chart.ts";
import type { Html } from "./html.ts";
import { type Encoding, type Layer, lines, zero } from "./layers.ts";
import { ends } from "./numbers.ts";
import { wholeAxis } from "./wholeAxis.ts";

const width = 440;
const height = 250;

/** Runs with the main number of steps, by gDDIM, on short prompts. */
export const mainRuns = ({ runs, config }: Study, reward: string): StudyRun[] =>
  runs.filter(
    (run) =>
      run.reward === reward && run.steps === config.measure.steps && run.rule === "gddim" && run.prompts === "short",
  );

/** The gap along training, a line an eta, a panel a split. */
export function gapChart(study: Study, reward: string): Promise<Html> {
  const runs = mainRuns(study, reward);
  const values = runs.map((run) => ({ ...key(run, runs), ...ends(run.gap) }));
  return chart(panels(values, "gap = SDE − ODE reward", [zero()]), `Reward gap along training on ${reward}`);
}

/** ODE and SDE reward along training. */
export function rewardChart(study: Study, reward: string): Promise<Html> {
  const runs = mainRuns(study, reward);
  const values = runs.flatMap((run) =>
    (["ode", "sde"] as const).map((sampler) => ({
      ...key(run, runs),
      ...ends(run[sampler]),
      sampler: sampler.toUpperCase(),
    })),
  );
  const dash = {
    strokeDash: {
      field: "sampler",
      type: "nominal",
      title: "sampler",
      scale: {
        domain: ["ODE", "SDE"],
        range: [
          [1, 0],
          [5, 4],
        ],
      },
    },
  };
  return chart(panels(values, "reward", [], dash), `ODE and SDE reward along training on ${reward}`);
}

/** The gap at few steps after training: gDDIM beside Flow-SDE, a panel an eta. */
export function fewStepsChart(study: Study, reward: string): Promise<Html> {
  const runs = study.runs.filter(
    (run) => run.reward === reward && run.prompts === "short" && run.split === "in-domain",
  );
  const last = Math.max(...runs.map(({ epoch }) => epoch));
  const few = new Set(study.config.measure.fewSteps);
  const values = runs
    .filter((run) => run.epoch === last && few.has(run.steps))
    .map((run) => ({
      ...ends(run.gap),
      steps: run.steps,
      eta: `trained at η ${run.trainEta}`,
      sampler: run.rule === "gddim" ? "gDDIM at η of training" : `Flow-SDE at a = ${run.evalEta}`,
    }));
  const domain = [...new Set(values.map(({ sampler }) => sampler))].sort().reverse();
  const panelCount = new Set(values.map(({ eta }) => eta)).size;
  const spec = {
    data: { values },
    facet: { column: { field: "eta", type: "nominal" } },
    spec: {
      width: Math.floor(900 / Math.max(2, panelCount)),
      height: 220,
      layer: lines(
        { field: "steps", type: "ordinal", title: "sampling steps", axis: { labelAngle: 0 } },
        "gap = SDE − ODE reward",
        {
          color: { field: "sampler", type: "nominal", title: null, scale: { domain, range: [palette[0], palette[4]] } },
          ...(domain.length > 1 ? { xOffset: { field: "sampler" } } : {}),
        },
        [zero()],
      ),
    },
  };
  return chart(spec as unknown as TopLevelSpec, `Gap at few steps on ${reward}`);
}

/** The ODE reward after training by eta, beside what it was before. */
export function etaChart(study: Study, reward: string): Promise<Html> {
  const runs = mainRuns(study, reward);
  const last = Math.max(...runs.map(({ epoch }) => epoch));
  const values = runs
    .filter(({ epoch }) => epoch === 0 || epoch === last)
    .map((run) => ({
      ...ends(run.ode),
      eta: run.trainEta,
      split: run.split,
      when: run.epoch === 0 ? "before" : "after",
    }));
  const spec = {
    data: { values },
    facet: { column: { field: "split", type: "nominal", sort: ["in-domain", "held-out"] } },
    spec: {
      width,
      height: 220,
      layer: lines({ field: "eta", type: "ordinal", title: "η of training", axis: { labelAngle: 0 } }, "ODE reward", {
        color: {
          field: "when",
          type: "nominal",
          title: null,
          scale: { domain: ["before", "after"], range: [palette[5], palette[0]] },
        },
      }),
    },
  };
  return chart(spec as unknown as TopLevelSpec, `ODE reward by eta on ${reward}`);
}

/** What a chart along training needs of a run; etas stand a little apart, so that their error bars do not hide each other. */
function key({ trainEta, epoch, split, seed }: StudyRun, runs: readonly StudyRun[]) {
  const etas = [...new Set(runs.map((run) => run.trainEta))].sort((a, b) => a - b);
  const last = Math.max(...runs.map((run) => run.epoch));
  const apart = (etas.indexOf(trainEta) - (etas.length - 1) / 2) * 0.012 * last;
  return { epoch: epoch + apart, measured: epoch, split, eta: `${trainEta}`, seed };
}

function panels(
  values: readonly { measured: number }[],
  title: string,
  under: Layer[] = [],
  more: Encoding = {},
): TopLevelSpec {
  const epochs = [...new Set(values.map(({ measured }) => measured))];
  const color = { field: "eta", type: "nominal", title: "η of training", scale: { range: palette } };
  const layer = lines(
    { field: "epoch", type: "quantitative", title: "epochs of training", axis: wholeAxis(epochs) },
    title,
    { color, detail: { field: "seed" }, ...more },
    under,
  );
  const facet = { column: { field: "split", type: "nominal", sort: ["in-domain", "held-out"] } };
  return { data: { values }, facet, spec: { width, height, layer } } as unknown as TopLevelSpec;
}
