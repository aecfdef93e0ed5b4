import type { Summary } from "../statistics/summarise.ts";
import type { Study, StudyRun } from "./Study.ts";

/** The study as text for a terminal: rewards and gaps of each training with their 95 % intervals, then the claims. Ends without a line break. */
export function printStudyTable({ runs, claims, config }: Study): string {
  const main = runs.filter(
    (run) => run.steps === config.measure.steps && run.rule === "gddim" && run.prompts === "short",
  );
  const head = ["reward", "eta", "seed", "prompts", "epoch", "ODE", "SDE", "gap (SDE − ODE)", "ODE rise"];
  const rows = main.map((run) => [
    run.reward,
    `${run.trainEta}`,
    `${run.seed}`,
    run.split,
    `${run.epoch}`,
    cell(run.ode),
    cell(run.sde),
    cell(run.gap),
    run.odeRise ? cell(run.odeRise) : "",
  ]);
  const few = runs.filter((run) => isFewStep(run, main));
  const fewHead = ["reward", "eta", "sampler", "steps", "ODE", "SDE", "gap (SDE − ODE)"];
  const fewRows = few.map((run) => [
    run.reward,
    `${run.trainEta}`,
    sampler(run),
    `${run.steps}`,
    cell(run.ode),
    cell(run.sde),
    cell(run.gap),
  ]);
  const verdicts = claims.map(
    ({ statement, estimate, low, high, verdict }) =>
      `  ${verdict.padEnd(13)} ${digits(estimate)} [${digits(low)}, ${digits(high)}]  ${statement}`,
  );
  return [
    `Rewards at ${config.measure.steps} steps, ${runs[0]?.n ?? 0} paired pictures, mean ± 95 % (1.96 standard errors)`,
    ...table(head, rows),
    ...(fewRows.length > 0 ? ["", "Few steps, after training, in-domain", ...table(fewHead, fewRows)] : []),
    "",
    "Claims, with 95 % intervals",
    ...verdicts,
  ].join("\n");
}

const isFewStep = (run: StudyRun, main: readonly StudyRun[]): boolean => run.prompts === "short" && !main.includes(run);
const sampler = ({ rule, evalEta }: StudyRun): string =>
  rule === "flow-sde" ? `Flow-SDE a ${evalEta}` : `gDDIM ${evalEta}`;
const cell = ({ mean, sem }: Summary): string => `${mean.toFixed(3)} ± ${(1.96 * sem).toFixed(3)}`;
const digits = (value: number): string => value.toFixed(3).padStart(6);

/** Columns aligned; numbers to the right. */
function table(head: readonly string[], rows: readonly string[][]): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const isNumber = head.map((_, i) => rows.every((row) => /^([-−\d]|$)/.test(row[i])));
  const line = (row: readonly string[]) =>
    `  ${row.map((text, i) => (isNumber[i] ? text.padStart(widths[i]) : text.padEnd(widths[i]))).join("  ")}`.trimEnd();
  return [line(head), `  ${widths.map((width) => "─".repeat(width)).join("  ")}`, ...rows.map(line)];
}
