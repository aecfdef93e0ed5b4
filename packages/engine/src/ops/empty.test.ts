import "@etalon/testkit";
import { describe, expect, test } from "vitest";
import { type Case, cases, values } from "../../test/cases.ts";
import { emptyCases } from "../../test/emptyCases.ts";
import * as reference from "../../test/reference.ts";
import { engine, installedEngines, tf } from "../index.ts";

const names = installedEngines().filter((name) => name === "native" || name === "wasm");

// Axes of 0 elements: values and gradients of the float64 reference, on the kernels and on the plain forms.
describe.each(names)("on %s", (name) => {
  test.each(emptyCases)("%s of %j", async (of, first) => {
    await engine(name);
    const [, all, op, truth] = cases.find(([other]) => other === of) as Case;
    const shapes = all.map((shape, i) => first[i] ?? shape);
    const data = shapes.map((shape, i) => values(tf.util.sizeFromShape(shape), i));
    const exact = shapes.map((shape, i) => ({ shape, data: Float64Array.from(data[i]) }));
    const expected = truth(...exact);
    const dy = values(expected.data.length, 99);
    const gradients = reference.gradients(truth, exact, dy);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const inputs = shapes.map((shape, i) => tf.tensor(data[i], shape));
      const y = op(...inputs);
      expect(y.shape).toEqual(expected.shape);
      expect(y.dataSync()).toBeAllclose(expected.data, { atol: 2e-6, rtol: 2e-6 });
      for (const [i, gradient] of tf.grads(op)(inputs, tf.tensor(dy, expected.shape)).entries()) {
        expect(gradient.shape, `gradient ${i}`).toEqual(shapes[i]);
        expect(gradient.dataSync()).toBeAllclose(gradients[i], { atol: 1e-5, rtol: 1e-5 });
      }
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
