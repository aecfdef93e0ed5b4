import { EtalonError } from "@etalon/errors";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSets } from "./parseSets.ts";
import { parseTrainConfig, trainConfigSchema } from "./parseTrainConfig.ts";
import { trainPreset, trainPresets } from "./trainPresets.ts";

const refusal = (json: unknown, sets: string[] = []) => {
  try {
    parseTrainConfig(json, sets);
  } catch (error) {
    if (EtalonError.is(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "let through";
};

describe("parseTrainConfig", () => {
  test("fills in defaults: the given over the algorithm's over the general ones", () => {
    const config = parseTrainConfig({ algorithm: "mixgrpo", sampler: { eta: 0.9 } }, ["train.epochs=6"]);
    expect(config.sampler).toMatchObject({ eta: 0.9, steps: 25, guidance: 1, window: { size: 4, every: 25 } });
    expect(config.train).toMatchObject({ epochs: 6, groupSize: 12, advantage: "group", reduction: "mean" });
    expect(parseTrainConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  test.each([
    [
      { train: { learningrate: 1 } },
      /^BAD_CONFIG: train\.learningrate is not a key; .* Did you mean "train\.learningRate"\?$/,
    ],
    [
      { sampler: { window: { sise: 2 } } },
      /^BAD_CONFIG: sampler\.window\.sise is not a key; .* Did you mean "sampler\.window\.size"\?$/,
    ],
    [{ rewrad: "x" }, /^BAD_CONFIG: rewrad is not a key; .* Did you mean "reward"\?$/],
    [{ reward: { mix: [{ reward: "a", wieght: 1 }] } }, /reward\.mix\.0\.(wieght is not a key|weight)/],
    [{ sampler: { eta: -0.3 } }, /^BAD_CONFIG: sampler\.eta is -0\.3; allowed: a number > 0\.$/],
    [{ sampler: { eta: 0 } }, /^BAD_CONFIG: sampler\.eta is 0; allowed: a number > 0\.$/],
    [{ sampler: { eta: Number.NaN } }, /^BAD_CONFIG: sampler\.eta is NaN; allowed: a number\.$/],
    [{ sampler: { eta: "high" } }, /^BAD_CONFIG: sampler\.eta is "high"; allowed: .*number, or .*object\.$/],
    [
      { sampler: { eta: { along: "training", form: 1, to: 2 } } },
      /^BAD_CONFIG: sampler\.eta\.(form is not a key; .* Did you mean "sampler\.eta\.from"\?|from is)/,
    ],
    [{ sampler: { eta: { along: "training", from: 0, to: 2 } } }, /^BAD_CONFIG: sampler\.eta\.from is 0; allowed: a number > 0\.$/], // biome-ignore format: one line
    [{ sampler: { eta: { along: "trajectory", from: 1, to: 2, epochs: 3 } } }, /sampler\.eta\.epochs is 3; allowed: null along a trajectory\.$/], // biome-ignore format: one line
    [{ sampler: { rule: "cps", eta: { along: "training", from: 0.5, to: 1.5 } } }, /at most 1 with rule cps\.$/],
    [{ sampler: { window: { size: 4, end: 3 } } }, /sampler\.window\.end is 3; allowed: at least start \+ size\.$/],
    [
      { sampler: { window: { flash: { ratio: 0 } } } },
      /^BAD_CONFIG: sampler\.window\.flash\.ratio is 0; allowed: a number > 0\.$/,
    ],
    [{ sampler: { window: { flash: { solver: "dpm" } } } }, /^BAD_CONFIG: sampler\.window\.flash\.solver is "dpm"; allowed: euler, heun, dpm/], // biome-ignore format: one line
    [{ train: { trainedSteps: 2, timestepFraction: 0.5 } }, /train\.timestepFraction is 0\.5; allowed: null beside trainedSteps\.$/], // biome-ignore format: one line
    [{ train: { noiseLevelWeight: 4, gradientWeight: 4 } }, /train\.gradientWeight is 4; allowed: 0 beside noiseLevelWeight\.$/], // biome-ignore format: one line
    [{ train: { bestOf: 9 } }, /train\.bestOf is 9; allowed: at most train\.groupSize, 8\.$/],
    [{ train: { bestOf: 1, updatesPerEpoch: 9 } }, /train\.updatesPerEpoch is 9; allowed: at most the images of an epoch that/], // biome-ignore format: one line
    [{ train: { ema: { decay: 1 } } }, /^BAD_CONFIG: train\.ema\.decay is 1; allowed: a number < 1\.$/],
    [{ train: { schedule: { shape: "cosin" } } }, /^BAD_CONFIG: train\.schedule\.shape is "cosin"; allowed: constant, cosine\.$/], // biome-ignore format: one line
    [{ train: { schedule: { shape: "cosine", warmup: 9, updates: 5 } } }, /train\.schedule\.warmup is 9; allowed: less than updates, 5\.$/], // biome-ignore format: one line
    [{ train: { maxSkipped: 0 } }, /^BAD_CONFIG: train\.maxSkipped is 0; allowed: a number ≥ 1\.$/],
    [{ train: { epochs: 1.5 } }, /^BAD_CONFIG: train\.epochs is 1\.5; allowed: a whole number\.$/],
    [{ algorithm: "dpo" }, /^BAD_CONFIG: algorithm is "dpo"; allowed: ddpo, .* Did you mean "ddpo"\?$/],
    [
      { sampler: { steps: 3, window: {} } },
      /^BAD_CONFIG: sampler\.window\.size is 4; allowed: at most sampler\.steps, 3\.$/,
    ],
    [{ train: { kl: 1, parameters: "all" } }, /^BAD_CONFIG: train\.kl is 1; allowed: 0, unless/],
    [{ train: { parameters: "(" } }, /^BAD_CONFIG: train\.parameters is "\("; allowed: a regular expression\.$/],
    [[], /^BAD_CONFIG: config is \[\]; allowed: a JSON object\.$/],
  ])("refuses %j", (json, message) => {
    expect(refusal(json)).toMatch(message);
  });

  test("no stray key gets through, at any level", () => {
    const places = [[], ["sampler"], ["train"], ["train", "optimiser"], ["checkpoint"], ["measure"]];
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.stringMatching(/^[a-z]{1,12}[0-9]$/), (place, key) => {
        const json = [...place, key].reduceRight<unknown>((value, name) => ({ [name]: value }), 1);
        expect(refusal(json)).toContain(`${[...place, key].join(".")} is not a key`);
      }),
      { numRuns: 50 },
    );
  });
});

test("200 configs with one value spoilt, at any depth, are refused by that value's path", () => {
  const full = parseTrainConfig({ algorithm: "mixgrpo", reward: { mix: [{ reward: "a", weight: 1 }] }, sampler: { eta: { along: "training", from: 1, to: 0.5 }, window: { flash: {} } }, train: { ema: {} } }); // biome-ignore format: one thought
  const leaves = (value: unknown, path: string[] = []): { path: string[]; value: unknown }[] =>
    typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]))
      : [{ path, value }];
  const spoilt: Record<string, unknown[]> = {
    number: ["many", true, Number.NaN, []],
    string: ["", 7, false],
    boolean: ["yes", 1, []],
    object: [true, {}], // a null, where something else is allowed
  };
  const cases = leaves(full).flatMap(({ path, value }) => spoilt[typeof value].map((bad) => ({ path, bad })));
  expect(cases.length).toBeGreaterThan(200);
  for (const { path, bad } of cases) {
    const set = (at: unknown, [key, ...rest]: string[]): unknown => {
      if (key === undefined) return bad;
      const copy = (Array.isArray(at) ? [...at] : { ...(at as object) }) as Record<string, unknown>;
      copy[key] = set(copy[key], rest);
      return copy;
    };
    expect(refusal(set(full, path))).toMatch(new RegExp(`^BAD_CONFIG: ${path.join("\\.")} (is|.*not a key)`));
  }
});

test("parseSets reads JSON where it is JSON, and text elsewhere; later ones win", () => {
  expect(parseSets(["a.b=1", "a.c=x=y", "a.b=2", "w=null"])).toEqual({ a: { b: 2, c: "x=y" }, w: null });
  for (const bad of ["a", "=1", "a..b=1", "__proto__.x=1"]) expect(() => parseSets([bad])).toThrow("--set is");
});

test("every preset is a config, and the schema describes every key", () => {
  for (const { config } of Object.values(trainPresets)) expect(parseTrainConfig(config).model).toBe("tiny");
  expect(() => trainPreset("tiny-dpo")).toThrow('Did you mean "tiny-ddpo"?');
  const bare: string[] = [];
  const walk = (schema: unknown, path: string) => {
    const { properties = {}, anyOf = [] } = schema as { properties?: Record<string, object>; anyOf?: unknown[] };
    for (const [key, value] of Object.entries(properties)) {
      if (!("description" in value)) bare.push(`${path}.${key}`);
      walk(value, `${path}.${key}`);
    }
    if (path.endsWith("window")) for (const option of anyOf) walk(option, path);
  };
  walk(trainConfigSchema(), "");
  expect(bare).toEqual([]);
});
