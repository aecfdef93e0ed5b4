import { expect, test } from "vitest";
import { learned, learnedMarkdown, tabulate } from "./tables.mjs";
import { tooLittle } from "./tooLittle.mjs";

/** A training of a preset that raises the reward of two prompts of four pictures by `rise`, ± 0.5 from picture to picture: a standard error of 0.2. */
const training = (seed: number, rise: number) => {
  const row = [0.5, -0.5, 0.5, -0.5];
  const rows = (by: number) => ({ "in domain": [row, row].map((spread) => spread.map((v) => by + (by === 0 ? 0 : v))), "held out": [[by, by], [by, by]] }); // biome-ignore format: one thought
  return { seed, config: { reward: "brightness", train: { epochs: 1 } }, before: rows(0), after: rows(rise), clipped: 0, skipped: 0, seconds: 1 }; // biome-ignore format: one thought
};
const jobs = (...rises: number[]) => [{ group: "presets", name: "mine", cost: 1, trainings: rises.map((rise, seed) => training(seed, rise)) }]; // biome-ignore format: one thought
const found = (...rises: number[]) => tooLittle(tabulate(jobs(...rises)), ["mine"], Math.max(2, rises.length));

test("a preset whose trainings each rise by five errors passes", () => {
  expect(found(1.1, 1.2)).toEqual([]);
});

test("one training that rises by less, or falls, is named with its seed", () => {
  expect(found(1.1, 0.98, 1.2)).toEqual([
    "mine, seed 1: a rise of 0.980 is 4.8 standard errors of its pictures; wanted: 5 or more",
  ]);
  expect(found(-1.2, -1.2)).toHaveLength(3); // each, and over trainings
});

test("trainings that lie too far apart, or are not there", () => {
  expect(found(1.1, 3)).toEqual(["mine: a rise of 2.050 is 2.2 standard errors over trainings; wanted: 5 or more"]);
  expect(found(1.1)).toEqual(["mine: 1 of 2 trainings are there"]);
  expect(tooLittle([], ["mine"], 2)).toEqual(["mine: 0 of 2 trainings are there"]);
});

test("what a preset learned is its rise less that of the same seeds without a signal", () => {
  const blind = (...rises: number[]) => jobs(...rises).map((job) => ({ ...job, group: "nothing to learn", name: "mine, by brightness" })); // biome-ignore format: one thought
  const of = (rises: number[], walks: number[]) => {
    const tables = tabulate([...jobs(...rises), ...blind(...walks)]);
    return { rows: learned(tables), wrong: tooLittle(tables, ["mine"], 2, learned(tables)) };
  };
  const { rows, wrong } = of([1.3, 1.2], [0.1, 0.2]);
  expect(rows).toMatchObject([{ name: "mine", rise: expect.closeTo(1.25), walk: expect.closeTo(0.15), bySeed: [expect.closeTo(1.2), expect.closeTo(1)], mean: expect.closeTo(1.1), semOverSeeds: expect.closeTo(0.1) }]); // biome-ignore format: one thought
  expect(wrong).toEqual([]);
  expect(learnedMarkdown(rows)).toContain("| mine | brightness | 1.250 | 0.150 | 1.20 1.00 | 1.100 ± 0.100 |");
  expect(of([1.3, 1.2], [0.1, 0.8]).wrong).toEqual([
    "mine: 0.800 more than with a reward that looks at no image is 2.0 standard errors over trainings; wanted: 5 or more",
  ]);
  expect(of([1.3], [0.1]).rows[0].semOverSeeds).toBeUndefined();
  expect(learned(tabulate(jobs(1, 1.2)))).toEqual([]);
});
