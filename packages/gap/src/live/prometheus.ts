import type { LiveRun } from "./LiveRun.ts";

/** A figure of a run; undefined or null is left out. */
interface Family {
  name: string;
  type: "gauge" | "counter";
  help: string;
  /** One value, or several told apart by a label. */
  of(
    run: LiveRun,
  ): number | null | undefined | readonly [label: string, value: string, number: number | null | undefined][];
}

const last = (run: LiveRun) => run.metrics.at(-1);
const total = (run: LiveRun, part: "rollout" | "reward" | "update") => {
  let [sum, epoch] = [0, 0];
  for (const line of run.metrics) {
    if (part === "update" || line.epoch !== epoch) sum += line.seconds[part];
    epoch = line.epoch;
  }
  return sum;
};

const families: readonly Family[] = [
  { name: "etalon_run_running", type: "gauge", help: "Whether a process holds the run.", of: (run) => Number(run.isRunning) },
  { name: "etalon_run_epochs", type: "gauge", help: "Epochs that the run is to train.", of: (run) => run.epochs },
  { name: "etalon_run_epoch", type: "gauge", help: "Epochs done.", of: (run) => run.epoch },
  { name: "etalon_run_updates_total", type: "counter", help: "Optimiser steps done.", of: (run) => last(run)?.step ?? 0 },
  { name: "etalon_run_skipped_updates_total", type: "counter", help: "Steps left out, as their gradient was not finite.", of: (run) => last(run)?.skipped ?? 0 },
  { name: "etalon_run_images_total", type: "counter", help: "Images drawn for training.", of: (run) => run.epoch * run.images },
  { name: "etalon_run_seconds_total", type: "counter", help: "Seconds spent, by part of the loop.", of: (run) => (["rollout", "reward", "update"] as const).map((part) => ["part", part, total(run, part)]) },
  { name: "etalon_run_reward_mean", type: "gauge", help: "Mean reward of the last epoch's images.", of: (run) => last(run)?.reward.mean },
  { name: "etalon_run_reward_std", type: "gauge", help: "Standard deviation of the last epoch's rewards.", of: (run) => last(run)?.reward.std },
  { name: "etalon_run_ode_reward", type: "gauge", help: "Mean reward of the newest sample grid, drawn by the ODE.", of: (run) => run.samples.at(-1)?.ode.mean },
  { name: "etalon_run_best_ode_reward", type: "gauge", help: "Mean reward of the best checkpoint's sample grid.", of: (run) => run.best?.ode.mean },
  { name: "etalon_run_best_epoch", type: "gauge", help: "Epoch of the best checkpoint.", of: (run) => run.best?.epoch },
  { name: "etalon_run_gap", type: "gauge", help: "Reward gap of the last measurement: SDE minus ODE.", of: (run) => run.gaps.at(-1)?.gap.mean },
  { name: "etalon_run_gap_sem", type: "gauge", help: "Standard error of that gap.", of: (run) => run.gaps.at(-1)?.gap.sem },
  { name: "etalon_run_loss", type: "gauge", help: "Policy loss of the last update.", of: (run) => last(run)?.loss },
  { name: "etalon_run_ratio_max", type: "gauge", help: "Largest ratio of the last update.", of: (run) => last(run)?.ratio.max },
  { name: "etalon_run_clip_fraction", type: "gauge", help: "Share of samples whose ratio left its bounds, last update.", of: (run) => last(run)?.clipFraction },
  { name: "etalon_run_kl", type: "gauge", help: "KL to the reference model, last update.", of: (run) => last(run)?.kl },
  { name: "etalon_run_gradient_norm", type: "gauge", help: "Gradient norm before it was cut, last update.", of: (run) => last(run)?.gradNorm },
  { name: "etalon_run_learning_rate", type: "gauge", help: "Learning rate of the last update.", of: (run) => last(run)?.lr },
]; // biome-ignore format: a table

/** Prometheus' media type of `prometheusText`. */
export const prometheusType = "text/plain; version=0.0.4; charset=utf-8";

/** The figures of runs in Prometheus' text exposition format 0.0.4: a family's HELP and TYPE once, then a line a run. */
export function prometheusText(runs: readonly LiveRun[]): string {
  const lines = families.flatMap(({ name, type, help, of }) => {
    const samples = runs.flatMap((run) => samplesOf(name, run.name, of(run)));
    return samples.length === 0 ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples];
  });
  return lines.map((line) => `${line}\n`).join("");
}

function samplesOf(name: string, run: string, value: ReturnType<Family["of"]>): string[] {
  if (value === undefined || value === null) return [];
  if (typeof value === "number") return [`${name}{run="${escaped(run)}"} ${number(value)}`];
  return value.flatMap(([label, text, inner]) =>
    inner === undefined || inner === null ? [] : [`${name}{run="${escaped(run)}",${label}="${escaped(text)}"} ${number(inner)}`],
  ); // biome-ignore format: one thought
}

/** A label's value: backslash, quote and line break are escaped. */
const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

const number = (value: number): string =>
  Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
