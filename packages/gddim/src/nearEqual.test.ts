import { rectifiedFlow, stableDiffusion15, subVp, ve, vp } from "@etalon/schedules";
import fc from "fast-check";
import { expect, test } from "vitest";
import { deisStep, deisVariables, dpmSolverStep, gddimPredictorCorrector, heunStep, type StepMap } from "./index.ts";

const finite = ({ a, b, std, earlier = [] }: StepMap) =>
  [a, b, std, ...earlier.flatMap((term) => [term.a, term.b])].every(Number.isFinite);

test("random lists of times, points that nearly touch among them: every coefficient of every multistep step is finite", () => {
  const gap = fc.oneof(fc.double({ min: 1e-3, max: 0.3, noNaN: true }), fc.constantFrom(1e-12, 1e-9, 1e-6));
  const paths = [vp({ prediction: "v" }), rectifiedFlow(), ve({ sigmaMin: 0.1 }), subVp({ prediction: "sample" })];
  fc.assert(
    fc.property(
      fc.constantFrom(...paths),
      fc.array(gap, { minLength: 4, maxLength: 4 }),
      fc.double({ min: 0, max: 3, noNaN: true }),
      (path, gaps, eta) => {
        const sums = [0.01];
        for (const step of gaps) sums.push(sums[sums.length - 1] + step);
        const [s, t, ...past] = sums.map((u) => Math.min(u, 0.999));
        const times = [t, ...past].filter((u, i, all) => i === 0 || path.at(u).logSnr < path.at(all[i - 1]).logSnr);
        if (!(path.at(t).logSnr < path.at(s).logSnr)) return;
        for (let order = 1; order <= Math.min(3, times.length); order++) {
          expect(finite(dpmSolverStep(path, times, s, { order, eta }))).toBe(true);
          expect(finite(dpmSolverStep(path, times, s, { order, eta, type: "heun" }))).toBe(true);
          for (const over of deisVariables) {
            expect(finite(deisStep(path, times, s, { order, over }))).toBe(true);
            if (order === 1) continue;
            const { predict, correct } = gddimPredictorCorrector(path, times, s, { order, over });
            expect(finite(predict)).toBe(true);
            if (correct)
              expect(finite({ ...correct, std: 0, earlier: [correct.next, ...(correct.earlier ?? [])] })).toBe(true);
          }
        }
        expect(finite(heunStep(path, t, s).predict)).toBe(true);
      },
    ),
  );
});

test("a discrete path's last step where its end is timestep 0 leaves the state, under every method", () => {
  const sd = stableDiffusion15();
  const still = { a: 1, b: 0, std: 0 };
  expect(dpmSolverStep(sd, [0, 20], -1)).toEqual(still);
  expect(deisStep(sd, [0, 20], -1)).toMatchObject({ a: expect.closeTo(1, 12), b: expect.closeTo(0, 12), std: 0 });
  expect(heunStep(sd, 0, -1).correct).toBeUndefined();
});
