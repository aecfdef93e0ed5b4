import { discreteVp, rectifiedFlow, stableDiffusion15, timeGrid, vp } from "@etalon/schedules";
import { goldenTensors } from "@etalon/testkit";
import { describe, expect, test } from "vitest";
import { ddimStep, gddimStep } from "./index.ts";

const cases = (["epsilon", "v"] as const).flatMap((prediction) =>
  [10, 50].flatMap((n) => [0, 0.5, 1].map((eta) => ({ prediction, n, eta }))),
);

/** diffusers' DDIMScheduler (SD v1.5 config), and the same in float64 by the golden's author; five steps of each grid. */
describe.each(cases)("diffusers' DDIM: $prediction, $n steps, eta $eta", ({ prediction, n, eta }) => {
  const golden = goldenTensors(`schedulers/ddim_${prediction === "v" ? "v_prediction" : "epsilon"}.safetensors`);
  const floats = (name: string) => golden.get(name).data as Float32Array | Float64Array;
  const indices = Array.from(golden.get(`n${n}.step_index`).data as BigInt64Array, Number);
  const grid = timeGrid(stableDiffusion15(), n);
  const float32Path = discreteVp({ alphasCumprod: floats("alphas_cumprod"), prediction });

  test.each(indices.map((index, q) => ({ index, q })))("step $index", ({ index, q }) => {
    const [x, o, z] = ["sample", "model_output", "noise"].map((name) => floats(`i${q}.${name}`));
    const [t, s] = [grid[index], grid[index + 1]];
    const key = `n${n}.eta${eta.toFixed(1)}.i${index}`;

    const map = ddimStep(stableDiffusion15({ prediction }), t, s, eta);
    const next = Float64Array.from(x, (_, k) => map.a * x[k] + map.b * o[k] + map.std * z[k]);
    const theirs = floats(`${key}.prev_sample`);
    const scale = Float64Array.from(theirs, (v) => Math.max(1, Math.abs(v)));
    expect(next.map((v, k) => v / scale[k])).toBeAllclose(
      theirs.map((v, k) => v / scale[k]),
      { atol: 5e-5 },
    );

    if (eta === 0) return;
    const exact = ddimStep(float32Path, t, s, eta); // with the float32 ᾱ that the float64 values were made with
    const mean = Float64Array.from(x, (_, k) => exact.a * x[k] + exact.b * o[k]);
    expect(mean).toBeAllclose(floats(`${key}.mean64`), { rtol: 1e-10, atol: 1e-10 });
    expect([exact.std]).toBeAllclose(floats(`${key}.std64`), { rtol: 1e-10 });
  });
});

describe("beyond eta 1", () => {
  const sd = stableDiffusion15();

  test("says the largest eta of the step, which is the last to work; gDDIM goes on", () => {
    const refusal = (() => {
      try {
        ddimStep(sd, 981, 481, 3);
      } catch (e) {
        return String(e);
      }
    })();
    const largest = Number(/at most ([\d.]+) for DDIM at the step from 981 to 481/.exec(refusal ?? "")?.[1]);
    expect(refusal).toBe(
      `EtalonError: eta is 3; allowed: at most ${largest} for DDIM at the step from 981 to 481. ` +
        "Beyond it DDIM would take the root of a negative number; gDDIM serves every eta.",
    );
    expect(ddimStep(sd, 981, 481, largest).std).toBeCloseTo(sd.at(481).sigma, 12);
    expect(() => ddimStep(sd, 981, 481, largest * (1 + 1e-9))).toThrow("at most");
    expect(gddimStep(sd, 981, 481, 3).std).toBeLessThanOrEqual(sd.at(481).sigma);
  });

  test("a small step bears more, and a step to the data any", () => {
    expect(ddimStep(sd, 501, 500, 3).std).toBeGreaterThan(0);
    expect(ddimStep(vp(), 0.1, 0, 7).std).toBe(0);
  });
});

test("refuses paths that do not preserve variance, but for eta 0", () => {
  expect(() => ddimStep(rectifiedFlow(), 0.5, 0.4, 1)).toThrow(
    'path is "flow"; allowed: a variance-preserving path for DDIM with eta above 0. gDDIM serves every path.',
  );
  expect(ddimStep(rectifiedFlow(), 0.5, 0.25, 0)).toEqual({ a: 1, b: -0.25, std: 0 });
});
