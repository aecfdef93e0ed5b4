import { describe, expect, test } from "vitest";
import { describeEta } from "./describeEta.ts";
import { etaAt, nominalEta } from "./etaAt.ts";
import { learningRateAt } from "./learningRateAt.ts";
import { parseTrainConfig } from "./parseTrainConfig.ts";

const etaOf = (eta: object | number, sets: string[] = []) =>
  parseTrainConfig({ sampler: { eta }, train: { epochs: 5 } }, sets).sampler.eta;

describe("eta", () => {
  test("a number is itself, everywhere", () => {
    expect([etaAt(1.2, 7, 10), nominalEta(1.2, 7, 10), describeEta(1.2)]).toEqual([1.2, 1.2, "1.2"]);
  });

  test("along training: from the first epoch to the last, and stays there; linear or by a cosine", () => {
    const line = etaOf({ along: "training", from: 1.5, to: 0.5 });
    expect([0, 1, 2, 3, 4, 9].map((epoch) => etaAt(line, epoch, 10))).toEqual([1.5, 1.25, 1, 0.75, 0.5, 0.5]);
    const cosine = etaOf({ along: "training", from: 1.5, to: 0.5, shape: "cosine" });
    expect([0, 1, 2, 4].map((epoch) => etaAt(cosine, epoch, 10))).toEqual([1.5, 1 + Math.SQRT1_2 / 2, 1, 0.5]);
    expect([nominalEta(line, 1, 10), describeEta(line)]).toEqual([1.25, "1.5 → 0.5 along training"]);
  });

  test("along training it is as long as the run was when it began: later epochs do not stretch it", () => {
    expect(etaOf({ along: "training", from: 1.5, to: 0.5 })).toMatchObject({ epochs: 5 });
    const begun = parseTrainConfig({ sampler: { eta: { along: "training", from: 1, to: 2 } }, train: { epochs: 5 } });
    expect(parseTrainConfig(begun, ["train.epochs=9"]).sampler.eta).toEqual(begun.sampler.eta);
  });

  test("along the trajectory: the last step that draws noise has `to`; the nominal one is the root of the mean square", () => {
    const eta = etaOf({ along: "trajectory", from: 2, to: 1 });
    expect(etaAt(eta, 3, 6)).toEqual([2, 1.75, 1.5, 1.25, 1, 1]);
    expect(nominalEta(eta, 3, 6)).toBeCloseTo(Math.sqrt((4 + 1.75 ** 2 + 2.25 + 1.25 ** 2 + 1) / 5), 14);
  });
});

describe("the learning rate", () => {
  const rates = (schedule: object, updates: number[]) => {
    const { train } = parseTrainConfig({ train: { epochs: 4, updatesPerEpoch: 3, learningRate: 0.01, schedule } });
    return updates.map((update) => learningRateAt(train, update));
  };

  test("is constant by default, and rises in even steps over a warm-up", () => {
    expect(rates({}, [0, 5, 99])).toEqual([0.01, 0.01, 0.01]);
    expect(rates({ warmup: 4 }, [0, 1, 3, 4, 99])).toEqual([0.0025, 0.005, 0.01, 0.01, 0.01]);
  });

  test("comes down along half a cosine to its floor at the run's last update, and stays there", () => {
    const [top, middle, last, after] = rates({ shape: "cosine", warmup: 1, floor: 0.2 }, [1, 6, 11, 40]);
    expect([top, last, after]).toEqual([0.01, 0.002, 0.002]);
    expect(middle).toBeCloseTo(0.006, 12);
  });
});
