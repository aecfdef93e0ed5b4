import "@etalon/testkit";
import { EtalonError } from "@etalon/errors";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Prediction, predictionCoefficients, predictions, rectifiedFlow, requireForm, vp } from "./index.ts";

/** What a perfect model would give. */
const output: Record<Prediction, (x0: number, eps: number, alpha: number, sigma: number) => number> = {
  epsilon: (_, eps) => eps,
  sample: (x0) => x0,
  v: (x0, eps, alpha, sigma) => alpha * eps - sigma * x0,
  velocity: (x0, eps) => eps - x0,
};

describe.each(predictions)("%s", (prediction) => {
  test.each([vp(), rectifiedFlow()])("gives back x0 and ε on $name", (path) => {
    const value = fc.double({ min: -3, max: 3, noNaN: true });
    fc.assert(
      fc.property(value, value, fc.double({ min: 0.02, max: 0.98, noNaN: true }), (x0, eps, t) => {
        const at = path.at(t);
        const x = at.alpha * x0 + at.sigma * eps;
        const o = output[prediction](x0, eps, at.alpha, at.sigma);
        const forms = predictionCoefficients(prediction, at);
        expect([forms.x0.x * x + forms.x0.o * o, forms.eps.x * x + forms.eps.o * o]).toBeAllclose([x0, eps], {
          atol: 3e-13 / at.alpha,
        });
      }),
    );
  });
});

test("at the ends v and velocity exist, ε and x0 say by name what is missing", () => {
  const [noise, data] = [rectifiedFlow().at(1), rectifiedFlow().at(0)];
  expect(predictionCoefficients("velocity", noise)).toEqual({ x0: { x: 1, o: -1 }, eps: { x: 1, o: 0 } });
  expect(predictionCoefficients("velocity", data)).toEqual({ x0: { x: 1, o: -0 }, eps: { x: 1, o: 1 } });
  expect(predictionCoefficients("epsilon", noise).eps).toEqual({ x: 0, o: 1 });
  expect(predictionCoefficients("epsilon", noise).x0).toEqual({ x: Number.NaN, o: Number.NaN });
  for (const prediction of ["sample", "v", "velocity"] as const) requireForm(prediction, "x0", noise);
  for (const prediction of ["epsilon", "v", "velocity"] as const) requireForm(prediction, "eps", data);
  expect(() => requireForm("epsilon", "x0", noise)).toThrow(
    new EtalonError("OUT_OF_RANGE", {
      argument: "prediction",
      value: "epsilon",
      allowed: "sample, v or velocity where alpha is 0",
      hint: "In pure noise an ε-prediction tells nothing of the data: start the grid at a later time, as with start: 0.98.",
    }),
  );
  expect(() => requireForm("sample", "eps", data)).toThrow(
    'prediction is "sample"; allowed: epsilon, v or velocity where sigma is 0. At the data an x0-prediction tells nothing of the noise: no step starts there.',
  );
});
