import { rectifiedFlow } from "@etalon/schedules";
import { expect, test } from "vitest";
import { parseStudyConfig } from "./parseStudyConfig.ts";
import { passPlan } from "./passPlan.ts";
import { studyJobs } from "./studyJobs.ts";

const path = rectifiedFlow({ prediction: "sample", noiseTime: 0.98 }); // as tiny has it
const parse = (...sets: string[]) =>
  parseStudyConfig({ trainings: [{ reward: "tiny-clip", etas: [1.2], epochs: [2] }] }, sets);
const passes = studyJobs(parse())[0].passes;

/** From `start` to 0, even before they are shifted: t → k·t/(1 + (k − 1)t). */
function grid(steps: number, start: number, k: number) {
  const first = start / (k - (k - 1) * start);
  return Array.from({ length: steps + 1 }, (_, i) => first * (1 - i / steps)).map((t) => (k * t) / (1 + (k - 1) * t));
}

test.each([
  [[], 0.98, 1],
  [["measure.shift=3"], 0.98, 3],
  [["measure.start=0.9", "measure.shift=0.5"], 0.9, 0.5],
] as const)("with %j every pass, SDE and ODE, few steps and many, has the times it says", (sets, start, shift) => {
  const { measure } = parse(...sets);
  for (const pass of passes) {
    const { steps } = passPlan(path, pass, measure);
    const times = [...steps.map(({ t }) => t), steps[steps.length - 1].s];
    const wanted = grid(pass.steps, start, shift);
    expect(times).toHaveLength(wanted.length);
    for (const [i, t] of times.entries()) expect(t).toBeCloseTo(wanted[i], 12);
    expect(steps.some(({ map }) => map.std > 0)).toBe(pass.eta > 0);
  }
  expect(new Set(passes.map(({ steps }) => steps)).size).toBeGreaterThan(2);
});

test.each(["start", "shift"])("measure.%s has to be above 0", (key) => {
  expect(() => parse(`measure.${key}=0`)).toThrow(`measure.${key} is 0; allowed: a number > 0.`);
});
