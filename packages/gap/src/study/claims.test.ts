import { describe, expect, test } from "vitest";
import { random } from "../../test/random.ts";
import type { Cell, CellKey } from "./Cell.ts";
import { claims } from "./claims.ts";

const prompts = 16;
const n = 64;

interface World {
  seed: number;
  etas?: number[];
  ode: (key: CellKey) => number;
  gap: (key: CellKey) => number;
  noise?: number;
}

/** Cells of a study with known mean rewards: prompts and pictures differ, and the gap of a picture is noisy. */
function cells({ seed, etas = [0.3, 1.2], ode, gap, noise = 0.05 }: World): Cell[] {
  const { normal } = random(seed);
  const keys = etas.flatMap((trainEta) =>
    ([0, 20] as const).flatMap((epoch) =>
      (["in-domain", "held-out"] as const).flatMap((split) =>
        (["short", "rich"] as const).map(
          (kind): CellKey => ({
            reward: "r",
            trainEta,
            seed: 0,
            epoch,
            evalEta: trainEta,
            rule: "gddim",
            steps: 8,
            split,
            prompts: kind,
          }),
        ),
      ),
    ),
  );
  const few = etas.flatMap((trainEta) =>
    [4, 20].map(
      (steps): CellKey => ({
        reward: "r",
        trainEta,
        seed: 0,
        epoch: 20,
        evalEta: trainEta,
        rule: "gddim",
        steps,
        split: "in-domain",
        prompts: "short",
      }),
    ),
  );
  const pictures = Array.from({ length: n }, () => normal());
  return [...keys, ...few].map((key) => {
    const effects = Array.from({ length: prompts }, () => noise * normal());
    const quiet = pictures.map((p) => ode(key) + 0.3 * p + 0.1 * noise * normal());
    const noisy = quiet.map((r, i) => r + gap(key) + effects[i % prompts] + noise * normal());
    return { ...key, ode: quiet, sde: noisy, promptCount: prompts };
  });
}

const find = (found: ReturnType<typeof claims>, id: string) =>
  found.find((claim) => claim.id === id) as NonNullable<(typeof found)[number]>;

test("finds what is true of a world it knows", () => {
  const world = cells({
    seed: 3,
    ode: ({ epoch, trainEta }) => 1 + (epoch > 0 ? (trainEta === 1.2 ? 0.5 : 0.3) : 0),
    gap: ({ epoch, prompts: kind, split }) =>
      (epoch === 0 ? -0.5 : 0.2) * (kind === "rich" ? 0.4 : 1) * (split === "in-domain" ? 1 : 0.8),
  });
  const found = claims(world, 8);
  expect(found.map(({ id }) => id)).toEqual(["narrows", "best-eta", "few-steps", "rich-prompts"]);
  const expected = { narrows: 0.27, "best-eta": 0.2, "few-steps": -0.2, "rich-prompts": 0.189 };
  for (const { id, estimate, low, high } of found) {
    expect(Math.abs(estimate - expected[id])).toBeLessThan(high - low); // four standard errors
    expect(estimate).toBeCloseTo((low + high) / 2, 12);
  }
  expect(found.map(({ verdict }) => verdict)).toEqual(["supported", "supported", "not supported", "supported"]);
  expect(find(found, "few-steps").statement).toContain("At few steps (4, 8)"); // 20 is not few
  expect(find(found, "narrows").statement).toContain("one training seed an eta");
});

describe("says inconclusive, and not more, where nothing is there to be found", () => {
  test.each([
    ["no gap at all", () => 0],
    ["a gap that changes its sign and keeps its size", ({ epoch }: CellKey) => (epoch === 0 ? 0.1 : -0.1)],
    ["a gap that stays", () => 0.1],
  ])("%s", (_, gap) => {
    let wrong = 0;
    const studies = 200;
    for (let seed = 0; seed < studies; seed++) {
      const found = claims(cells({ seed, ode: () => 1, gap }), 8);
      wrong += Number(find(found, "narrows").verdict !== "inconclusive");
    }
    expect(wrong / studies).toBeLessThan(0.09); // 5 % by design; 9 % is 2.6 standard errors above it
  });
});

test("near-best is best less a tenth of the rise", () => {
  const world = (loss: number) =>
    cells({
      seed: 1,
      noise: 1e-3,
      ode: ({ epoch, trainEta }) => (epoch === 0 ? 0 : trainEta === 1.2 ? 1 - loss : 1),
      gap: () => 0,
    });
  const verdictAt = (loss: number) => find(claims(world(loss), 8), "best-eta").verdict;
  expect(verdictAt(0.05)).toBe("supported");
  expect(verdictAt(0.2)).toBe("not supported");
});

test("one eta makes no claim about etas; a second reward has claims of its own, after the first's", () => {
  const world = cells({ seed: 1, etas: [1.2], ode: () => 1, gap: () => 0.1 });
  const both = [...world, ...world.map((cell) => ({ ...cell, reward: "other" }))];
  expect(claims(both, 8).map(({ id, reward }) => `${reward} ${id}`)).toEqual([
    "r narrows", "r few-steps", "r rich-prompts", "other narrows", "other few-steps", "other rich-prompts",
  ]); // biome-ignore format: one thought
});
