import { describe, expect, test } from "vitest";
import { parseStudyConfig } from "./parseStudyConfig.ts";
import { studySchema } from "./StudyConfig.ts";
import { studyJobs } from "./studyJobs.ts";
import { studyPresets } from "./studyPresets.ts";

const training = { reward: "jpeg-incompressibility", etas: [1.2], epochs: [2] };

describe("parseStudyConfig", () => {
  test("fills in every default, and takes it again as it is", () => {
    const config = parseStudyConfig({ trainings: [training] });
    expect(config).toMatchObject({ model: "tiny", measure: { samples: 64, fewSteps: [4, 6, 8, 20] } });
    expect(parseStudyConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
    expect(parseStudyConfig({ trainings: [training] }, ["measure.samples=32"]).measure.samples).toBe(32);
  });

  test.each([
    [
      { trainings: [{ ...training, eta: [1] }] },
      /^trainings\.0\.eta is not a key; .*Did you mean "trainings\.0\.etas"\?$/,
    ],
    [{ trainings: [{ ...training, etas: [-1] }] }, "trainings.0.etas.0 is -1; allowed: a number > 0."],
    [
      { trainings: [training], measure: { sample: 3 } },
      /measure\.sample is not a key.*Did you mean "measure\.samples"\?/,
    ],
    [
      { trainings: [training], measure: { samples: 4 } },
      "measure.samples is 4; allowed: at least the number of prompts, 16",
    ],
    [{ trainings: [training], prompts: { heldOut: "tiny-heldoutt" } }, 'prompts is "tiny-heldoutt"'],
    [
      { trainings: [training, training] },
      'trainings is "jpeg-incompressibility at eta 1.2, seed 0"; allowed: each training once.',
    ],
    [{ trainings: [{ ...training, train: { seed: 3 } }] }, "train.seed is 3; allowed: nothing: the study sets it."],
    [{ trainings: [{ ...training, train: { train: { lr: 3 } } }] }, "train.lr is not a key"],
    [7, "config is 7; allowed: a JSON object."],
  ])("refuses %j", (json, message) => {
    expect(() => parseStudyConfig(json)).toThrow(message);
  });
});

test("every preset is valid; quick trains below and above the paper's eta, with two seeds each", () => {
  for (const preset of Object.values(studyPresets)) parseStudyConfig(preset);
  const jobs = studyJobs(parseStudyConfig(studyPresets.quick));
  const of = (name: string) => jobs.filter(({ reward }) => reward === name).map(({ eta, seed }) => `${eta} ${seed}`);
  expect(of("jpeg-incompressibility")).toEqual(["0.3 0", "0.3 1", "0.7 0", "0.7 1", "1.2 0", "1.2 1", "2 0", "2 1"]);
  expect(of("tiny-clip")).toEqual(["0.3 0", "0.3 1", "1.2 0", "1.2 1"]);
});

test("a pass is run once, though several measurements need it", () => {
  const [job] = studyJobs(parseStudyConfig({ trainings: [training] }));
  expect(new Set(job.passes.map(({ key }) => key)).size).toBe(job.passes.length);
  expect(
    job.cells.every(({ sde, ode }) => [sde, ode].every((key) => job.passes.some((pass) => pass.key === key))),
  ).toBe(true);
  expect(job.passes.length).toBeLessThan(2 * job.cells.length);
});

test("the JSON Schema describes every key", () => {
  const walk = (
    schema: { properties?: Record<string, object>; items?: object; description?: string },
    path: string,
  ) => {
    for (const [key, value] of Object.entries(schema.properties ?? {})) {
      expect((value as { description?: string }).description, `${path}.${key}`).toBeTruthy();
      walk(value, `${path}.${key}`);
    }
    if (schema.items) walk(schema.items, `${path}[]`);
  };
  walk(studySchema(), "config");
});
