import { goldenTensors } from "@etalon/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fluxShift, rectifiedFlow, shiftTime, stableDiffusion15, timeGrid, unshiftTime, ve, vp } from "./index.ts";

const sd = stableDiffusion15();
const flow = rectifiedFlow();

describe("discrete", () => {
  test.each([10, 50])("leading is DDIM's of diffusers with steps_offset 1, %d steps", (n) => {
    const golden = goldenTensors("schedulers/ddim_epsilon.safetensors").get(`n${n}.timesteps`).data as BigInt64Array;
    expect(timeGrid(sd, n)).toEqual([...Array.from(golden, Number), -1]);
  });

  test("the other spacings, as numpy rounds them", () => {
    expect(timeGrid(sd, 4, { spacing: "trailing" })).toEqual([999, 749, 499, 249, -1]);
    expect(timeGrid(sd, 3, { spacing: "trailing" })).toEqual([999, 666, 332, -1]);
    expect(timeGrid(sd, 5, { spacing: "linspace" })).toEqual([999, 749, 500, 250, 0, -1]); // 499.5 goes to the even 500
    expect(timeGrid(sd, 1, { spacing: "linspace" })).toEqual([999, -1]);
    expect(timeGrid(sd, 4, { stepsOffset: 0 })).toEqual([750, 500, 250, 0, -1]);
  });

  test("start spreads the steps below it", () => {
    expect(timeGrid(sd, 4, { start: 499, spacing: "trailing" })).toEqual([499, 374, 249, 124, -1]);
    expect(timeGrid(sd, 5, { start: 499 })).toEqual([401, 301, 201, 101, 1, -1]);
  });
});

describe("flow", () => {
  const golden = goldenTensors("schedulers/flow_match.safetensors");
  const sigmas = (name: string) => golden.get(`${name}.sigmas`).data as Float32Array;

  test.each([
    [256, 25],
    [256, 4],
    [1024, 25],
    [1024, 4],
    [4096, 25],
    [4096, 4],
  ])("FLUX's dynamic shift at %d tokens, %d steps", (fluxTokens, n) => {
    expect(timeGrid(flow, n, { fluxTokens })).toBeAllclose(sigmas(`flux.seq${fluxTokens}.n${n}`), { atol: 3e-7 });
    const mu = (golden.get(`flux.seq${fluxTokens}.mu`).data as Float64Array)[0];
    expect(Math.log(fluxShift(fluxTokens))).toBeCloseTo(mu, 14);
  });

  test.each([
    ["mixgrpo.shift3.0.n25", 25, 3],
    ["mixgrpo.shift3.0.n16", 16, 3],
    ["mixgrpo.shift1.0.n25", 25, 1],
    ["schnell.n4", 4, 1],
  ])("uniform, then shift: %s", (name, n, shift) => {
    expect(timeGrid(flow, n, { shift })).toBeAllclose(sigmas(name), { atol: 3e-7 });
  });

  test("linspace is FlowMatchEuler's own grid", () => {
    expect(timeGrid(flow, 25, { shift: 3, spacing: "linspace" })).toBeAllclose(sigmas("static3.diffusers.n25"), {
      atol: 3e-7,
    });
  });

  test("start is met exactly, whatever the shift, and the path's noiseTime is its default", () => {
    expect(timeGrid(flow, 4, { start: 0.98, shift: 3 })[0]).toBe(0.98);
    expect(timeGrid(rectifiedFlow({ noiseTime: 0.98 }), 2)).toBeAllclose([0.98, 0.49, 0], { rtol: 1e-15 });
  });
});

test("shift and unshift undo each other", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0.1, max: 20, noNaN: true }),
      (t, shift) => {
        expect(Math.abs(unshiftTime(shiftTime(t, shift), shift) - t)).toBeLessThan(1e-14);
      },
    ),
  );
});

test("every grid falls strictly, has n + 1 times and ends at the data", () => {
  const spacing = { true: ["leading", "trailing", "linspace"], false: ["uniform"] } as const;
  fc.assert(
    fc.property(
      fc.constantFrom(sd, flow, vp(), ve()),
      fc.integer({ min: 1, max: 999 }),
      fc.nat(2),
      fc.double({ min: 0.1, max: 10, noNaN: true }),
      (path, n, k, shift) => {
        const names = spacing[`${path.discrete}`];
        const grid = timeGrid(path, n, { spacing: names[k % names.length], ...(path.discrete ? {} : { shift }) });
        expect(grid).toHaveLength(n + 1);
        expect(grid[n]).toBe(path.dataTime);
        for (let i = 0; i < n; i++) expect(grid[i]).toBeGreaterThan(grid[i + 1]);
      },
    ),
  );
});

test.each([
  [() => timeGrid(flow, 0), "steps is 0; allowed: a whole number ≥ 1."],
  [() => timeGrid(flow, 2.5), "steps is 2.5; allowed: a whole number ≥ 1."],
  [() => timeGrid(flow, 4, { shift: 0 }), "shift is 0; allowed: a finite number > 0."],
  [
    () => timeGrid(flow, 4, { shift: 3, fluxTokens: 256 }),
    "shift is 3; allowed: nothing beside fluxTokens, which gives the shift.",
  ],
  [() => timeGrid(flow, 4, { start: 1.1 }), "start is 1.1; allowed: a finite number > 0 and ≤ 1."],
  [() => timeGrid(flow, 4, { spacing: "leading" }), 'spacing is "leading"; allowed: uniform, linspace.'],
  [() => timeGrid(flow, 4, { stepsOffset: 1 }), "stepsOffset is 1; allowed: nothing: only a discrete path has it."],
  [
    () => timeGrid(flow, 4, { start: 0.0005, spacing: "linspace" }),
    'start is 0.0005; allowed: a time above 0.001, where the "linspace" grid ends.',
  ],
  [() => timeGrid(sd, 1001), "steps is 1001; allowed: a whole number ≥ 1 and ≤ 1000."],
  [() => timeGrid(sd, 1000), "stepsOffset is 1; allowed: at most 0 with 1000 steps."],
  [() => timeGrid(sd, 4, { spacing: "uniform" }), 'spacing is "uniform"; allowed: leading, trailing, linspace.'],
  [() => timeGrid(sd, 4, { shift: 3 }), "shift is 3; allowed: nothing: a discrete path has no time shift."],
  [
    () => timeGrid(sd, 4, { fluxTokens: 256 }),
    "fluxTokens is 256; allowed: nothing: a discrete path has no time shift.",
  ],
])("refuses: %#", (f, message) => {
  expect(f).toThrow(expect.objectContaining({ message }));
});
