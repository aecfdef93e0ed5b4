import type { Rule } from "@etalon/gddim";
import type { CellKey } from "./Cell.ts";
import type { StudyRun } from "./Study.ts";
import type { StudyConfig } from "./StudyConfig.ts";

/** One sampler pass of a job: pictures of a model at an epoch, and their rewards. */
export interface Pass {
  /** Names the pass within its job, and its file. */
  key: string;
  epoch: number;
  rule: Rule;
  /** In the units of the rule; 0 is the ODE. */
  eta: number;
  steps: number;
  split: StudyRun["split"];
  prompts: StudyRun["prompts"];
  /** Whether its first pictures are kept for the report. */
  pictures: boolean;
}

/** A training with its measurements; the unit that workers share out. */
export interface StudyJob {
  /** Names the job and its folder. */
  name: string;
  reward: string;
  eta: number;
  seed: number;
  /** Epochs that are measured, rising; the last is the length of training. */
  epochs: number[];
  train: Record<string, unknown>;
  passes: Pass[];
  /** Measurements as pairs of passes, in the order of study.json. */
  cells: { key: CellKey; sde: string; ode: string }[];
}

/** The jobs of a study in the config's order; a pure function of the config. */
export function studyJobs({ trainings, measure }: StudyConfig): StudyJob[] {
  return trainings.flatMap(({ reward, etas, seeds, epochs, train }, index) =>
    etas.flatMap((eta) =>
      seeds.map((seed) => {
        const slug = reward.replace(/^.*[\\/]/, "").replace(/[^\w.-]+/g, "-");
        const rising = [...new Set(epochs)].sort((a, b) => a - b);
        const name = `${index + 1}-${slug}-eta${eta}-seed${seed}`;
        return { name, reward, eta, seed, epochs: rising, train, ...measurements(reward, eta, seed, rising, measure) };
      }),
    ),
  );
}

function measurements(
  reward: string,
  trainEta: number,
  seed: number,
  epochs: number[],
  measure: StudyConfig["measure"],
) {
  const last = epochs[epochs.length - 1];
  const passes = new Map<string, Pass>();
  const cells: StudyJob["cells"] = [];
  const pass = (wanted: Omit<Pass, "key" | "pictures">) => {
    const { epoch, rule, eta, steps, split, prompts } = wanted;
    const sampler = eta === 0 ? "ode" : `${rule}-${eta}`;
    const key = `epoch${epoch}-${split}-${prompts}-${steps}steps-${sampler}`;
    const ends = epoch === 0 || epoch === last;
    const pictures =
      ends && split === "in-domain" && prompts === "short" && steps === measure.steps && rule === "gddim";
    if (!passes.has(key)) passes.set(key, { key, ...wanted, pictures });
    return key;
  };
  const cell = (
    epoch: number,
    split: Pass["split"],
    prompts: Pass["prompts"],
    steps = measure.steps,
    rule: Rule = "gddim",
  ) => {
    const evalEta = rule === "flow-sde" ? measure.flowSdeNoise : trainEta;
    const ode = pass({ epoch, rule: "gddim", eta: 0, steps, split, prompts });
    const sde = pass({ epoch, rule, eta: evalEta, steps, split, prompts });
    cells.push({ key: { reward, trainEta, seed, epoch, evalEta, rule, steps, split, prompts }, sde, ode });
  };
  for (const epoch of [0, ...epochs]) {
    for (const split of ["in-domain", "held-out"] as const) {
      cell(epoch, split, "short");
      if (epoch === 0 || epoch === last) cell(epoch, split, "rich");
    }
  }
  for (const steps of [...new Set(measure.fewSteps)].sort((a, b) => a - b)) {
    if (steps !== measure.steps) cell(last, "in-domain", "short", steps);
    cell(last, "in-domain", "short", steps, "flow-sde");
  }
  return { passes: [...passes.values()].sort((a, b) => a.epoch - b.epoch), cells };
}
