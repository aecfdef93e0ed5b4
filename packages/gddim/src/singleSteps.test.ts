import "@etalon/testkit";
import { edm, rectifiedFlow, stableDiffusion15, subVp, ve, vp } from "@etalon/schedules";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ancestralStep,
  ddimStep,
  etaOfFlowGrpo,
  eulerMaruyamaStep,
  flowSdeStep,
  gddimStep,
  heunStep,
  marginalStep,
} from "./index.ts";

const flow = rectifiedFlow();
const sd = stableDiffusion15();
const triple = ({ a, b, std }: { a: number; b: number; std: number }) => [a, b, std];

describe("ancestral", () => {
  test("eta 1 is gDDIM's eta 1 on every path, and DDIM-η on VP at every eta", () => {
    for (const path of [flow, vp(), ve(), subVp({ prediction: "v" })]) {
      expect(triple(ancestralStep(path, 0.6, 0.5))).toBeAllclose(triple(gddimStep(path, 0.6, 0.5, 1)), { rtol: 1e-12 });
    }
    for (const eta of [0.3, 1, 1.1]) {
      expect(triple(ancestralStep(sd, 501, 481, eta))).toBeAllclose(triple(ddimStep(sd, 501, 481, eta)), {
        rtol: 1e-11,
      });
    }
  });

  test("on VE it is k-diffusion's get_ancestral_step", () => {
    const path = { ...edm(), prediction: "epsilon" as const };
    const [from, to, eta] = [7, 5, 0.6];
    const up = Math.min(to, eta * Math.sqrt((to ** 2 * (from ** 2 - to ** 2)) / from ** 2));
    const down = Math.sqrt(to ** 2 - up ** 2);
    expect(triple(ancestralStep(path, from, to, eta))).toBeAllclose([1, down - from, up], { rtol: 1e-13 });
  });

  test("DDPM's posterior (arXiv:2006.11239, eq. 7) and its two variances", () => {
    const [at, to] = [sd.at(500), sd.at(499)].map(({ alpha }) => alpha ** 2);
    const beta = 1 - at / to;
    const small = ancestralStep(sd, 500, 499);
    const x0Weight = (Math.sqrt(to) * beta) / (1 - at);
    const xWeight = (Math.sqrt(1 - beta) * (1 - to)) / (1 - at);
    const mean = [xWeight + x0Weight / Math.sqrt(at), (-x0Weight * Math.sqrt(1 - at)) / Math.sqrt(at)];
    expect(triple(small)).toBeAllclose([...mean, Math.sqrt((beta * (1 - to)) / (1 - at))], { rtol: 1e-9 });
    const large = ancestralStep(sd, 500, 499, 1, { variance: "large" });
    expect(triple(large)).toBeAllclose([...mean, Math.sqrt(beta)], { rtol: 1e-9 });
  });

  test("beyond its largest eta it says that one", () => {
    const message = (() => {
      try {
        ancestralStep(flow, 0.9, 0.3, 4);
      } catch (e) {
        return String(e);
      }
    })();
    const largest = Number(/at most ([\d.]+) for an ancestral step from 0.9 to 0.3/.exec(message ?? "")?.[1]);
    expect(ancestralStep(flow, 0.9, 0.3, largest).std).toBeCloseTo(0.3, 12);
    expect(() => ancestralStep(flow, 0.9, 0.3, 2, { variance: "large" })).toThrow(
      "eta is 2; allowed: 1 with variance large.",
    );
  });
});

describe("Euler–Maruyama", () => {
  test("on flow it is Flow-SDE with a = η√2", () => {
    const level = 0.7;
    expect(triple(eulerMaruyamaStep(flow, 0.6, 0.5, etaOfFlowGrpo(level)))).toBeAllclose(
      triple(flowSdeStep(flow, 0.6, 0.5, level)),
      { rtol: 1e-13 },
    );
  });

  test("the reverse VP SDE of the score papers, at one point: x + (½β x − ½(1 + η²) β ε/σ … )", () => {
    const [t, s, eta] = [0.5, 0.48, 0.8];
    const beta = 0.1 + t * 19.9;
    const { sigma } = vp().at(t);
    const delta = t - s;
    // dx = [f x − ½(1 + η²) g² score] dt, f = −½β, g² = β, score = −ε/σ, dt = −delta
    const expected = [
      1 + (beta * delta) / 2,
      (-(1 + eta ** 2) / 2) * (beta / sigma) * delta,
      eta * Math.sqrt(beta * delta),
    ];
    expect(triple(eulerMaruyamaStep(vp(), t, s, eta))).toBeAllclose(expected, { rtol: 1e-12 });
  });

  test.each([flow, vp(), ve(), ve({ schedule: "karras" }), subVp(), sd])(
    "in small steps it is gDDIM on $name",
    (path) => {
      const [t, s] = path.discrete ? [500, 499] : [0.6, 0.59999];
      const [euler, exact] = [eulerMaruyamaStep(path, t, s, 1.2), gddimStep(path, t, s, 1.2)];
      expect(euler.std / exact.std).toBeCloseTo(1, path.discrete ? 1 : 3);
      expect((euler.a - 1) / (exact.a - 1 || 1)).toBeCloseTo(
        path.prediction === "epsilon" && path.name === "ve" ? 0 : 1,
        1,
      );
      expect(euler.b / exact.b).toBeCloseTo(1, path.discrete ? 1 : 3);
    },
  );

  test("in pure noise: the ODE step at eta 0, an error above", () => {
    expect(triple(eulerMaruyamaStep(flow, 1, 0.9, 0))).toBeAllclose([1, -0.1, 0], { atol: 1e-15 });
    expect(() => eulerMaruyamaStep(flow, 1, 0.9, 0.1)).toThrow(
      "t is 1; allowed: a time where alpha is above 0, for Euler–Maruyama with eta above 0. The SDE's drift is infinite in pure noise: start the grid later, or take gDDIM.",
    );
  });

  test("a path without slopes is refused; equal times stay; a discrete path's end counts as timestep 0", () => {
    const { slope: _, ...flat } = vp();
    expect(() => eulerMaruyamaStep(flat, 0.5, 0.4, 1)).toThrow(
      'path is "vp"; allowed: a path with slopes for Euler–Maruyama.',
    );
    expect(eulerMaruyamaStep(vp(), 0.5, 0.5, 1)).toEqual({ a: 1, b: 0, std: 0 });
    expect(eulerMaruyamaStep(sd, 1, -1, 1)).toEqual(eulerMaruyamaStep(sd, 1, 0, 1));
  });
});

describe("Heun", () => {
  test("on flow it is the mean of both velocities, on VE EDM's", () => {
    const { predict, correct } = heunStep(flow, 0.6, 0.5);
    expect(triple(predict)).toBeAllclose([1, -0.1, 0], { atol: 1e-15 });
    const { a, b, next } = correct ?? { a: 0, b: 0, next: { a: 0, b: 0 } };
    expect([a, b, next.a, next.b]).toBeAllclose([1, -0.05, 0, -0.05], { atol: 1e-15 });
    const karras = heunStep({ ...edm(), prediction: "epsilon" }, 7, 5).correct;
    expect([karras?.a, karras?.b, karras?.next.a, karras?.next.b]).toEqual([1, -1, 0, -1]);
  });

  test("from pure noise it is finite, to the data it is the ODE step", () => {
    expect(heunStep(flow, 1, 0.9).correct).toBeDefined();
    expect(heunStep(flow, 0.1, 0)).toEqual({ predict: marginalStep(flow, 0.1, 0, 0) });
    expect(heunStep(flow, 0.5, 0.5)).toEqual({ predict: { a: 1, b: 0, std: 0 } });
  });
});

test("no step gives NaN or infinity at extreme noise levels: 1e-12, 1e6, and where r^(η²) underflows", () => {
  const level = fc.constantFrom(1e-12, 1e-6, 1, 1e3, 1e6, 1e150);
  const time = fc.double({ min: 1e-6, max: 0.999, noNaN: true });
  fc.assert(
    fc.property(fc.constantFrom(flow, vp(), ve(), subVp()), level, time, time, (path, eta, x, y) => {
      const [t, s] = [Math.max(x, y), Math.min(x, y)];
      const { a, b, std } = gddimStep(path, t, s, eta);
      expect([a, b, std].every(Number.isFinite)).toBe(true);
      expect(std).toBeLessThanOrEqual(path.at(s).sigma);
    }),
  );
});
