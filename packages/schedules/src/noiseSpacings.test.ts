import fc from "fast-check";
import { describe, expect, test } from "vitest";
import "@etalon/testkit";
import { betaQuantile } from "./betaQuantile.ts";
import {
  aysTables,
  edm,
  type GridOptions,
  type Path,
  rectifiedFlow,
  stableDiffusion3,
  stableDiffusion15,
  subVp,
  timeGrid,
  timeOfLogSnr,
  ve,
  vp,
} from "./index.ts";

const sd = stableDiffusion15();
const fine = stableDiffusion15({ interpolation: "log" });
const flow = rectifiedFlow();
const ratios = (path: Path, grid: readonly number[]) => grid.map((t) => Math.exp(-path.at(t).logSnr));

test("karras: σ^(1/ρ) in even steps; EDM's own grid ends at σ_min, then at the data", () => {
  const grid = timeGrid(edm(), 18);
  expect([grid[0], grid[17], grid[18]]).toEqual([80, 0.002, 0]);
  const roots = grid.slice(0, 18).map((sigma) => sigma ** (1 / 7));
  for (let i = 2; i < 18; i++) expect(roots[i] - roots[i - 1]).toBeCloseTo(roots[1] - roots[0], 12);
  const three = ratios(fine, timeGrid(fine, 7, { spacing: "karras", rho: 3 }).slice(0, 7)).map(
    (sigma) => sigma ** (1 / 3),
  );
  for (let i = 2; i < 7; i++) expect(three[i] - three[i - 1]).toBeCloseTo(three[1] - three[0], 8);
});

test("exponential: even steps of log-SNR, on every path", () => {
  for (const path of [fine, vp(), ve(), subVp()]) {
    const grid = timeGrid(path, 9, { spacing: "exponential" });
    const lambdas = grid.map((t) => path.at(t).logSnr).filter(Number.isFinite);
    for (let i = 2; i < 9; i++) expect(lambdas[i] - lambdas[i - 1]).toBeCloseTo(lambdas[1] - lambdas[0], 6);
  }
});

describe("beta", () => {
  test("quantiles of Beta(0.6, 0.6): symmetric, exact where they are known, inverse of the law", () => {
    expect([0, 0.5, 1].map((p) => betaQuantile(p, 0.6))).toEqual([0, 0.5, 1]);
    for (const p of [0.01, 0.2, 0.4]) {
      expect(betaQuantile(p, 0.5)).toBeCloseTo(Math.sin((Math.PI * p) / 2) ** 2, 13); // the arcsine law
      expect(betaQuantile(p, 1)).toBeCloseTo(p, 13); // the uniform law
      expect(betaQuantile(p, 2) ** 2 * (3 - 2 * betaQuantile(p, 2))).toBeCloseTo(p, 12);
      expect(betaQuantile(p, 0.6) + betaQuantile(1 - p, 0.6)).toBeCloseTo(1, 13);
    }
  });

  test("lays more noise levels at both ends", () => {
    const levels = ratios(fine, timeGrid(fine, 11, { spacing: "beta" }).slice(0, 11));
    const middle = (levels[0] + levels[10]) / 2;
    expect(levels[5]).toBeCloseTo(middle, 6);
    expect(levels[0] - levels[1]).toBeLessThan(levels[4] - levels[5]);
    expect(levels[9] - levels[10]).toBeLessThan(levels[5] - levels[6]);
  });
});

describe("ays", () => {
  test("ten steps are the published table; others run through it in log σ", () => {
    expect(timeGrid(sd, 10, { spacing: "ays" })).toEqual([...aysTables.sd15.timesteps, -1]);
    expect(timeGrid(sd, 10, { spacing: "ays", table: "sdxl" })).toEqual([...aysTables.sdxl.timesteps, -1]);
    const twenty = ratios(fine, timeGrid(fine, 19, { spacing: "ays" }).slice(0, 19));
    expect(twenty.filter((_, i) => i % 2 === 0)).toBeAllclose(aysTables.sd15.sigmas, { rtol: 1e-4 });
    expect(twenty[3]).toBeCloseTo(Math.sqrt(twenty[2] * twenty[4]), 6);
    expect(timeGrid(edm({ sigmaMax: 700 }), 10, { spacing: "ays", table: "svd" })).toBeAllclose(
      [...aysTables.svd.sigmas, 0],
      { rtol: 1e-12 },
    );
    const plain = timeGrid(sd, 12, { spacing: "ays" });
    expect(plain.every(Number.isInteger)).toBe(true);
  });
});

test("the time of a log-SNR is the inverse of the path", () => {
  const paths = [vp(), ve(), ve({ schedule: "karras" }), subVp(), flow, edm(), fine, sd];
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.double({ min: 0.001, max: 0.999, noNaN: true }), (path, u) => {
      const t = path.discrete ? (path.interpolates ? u * 999 : Math.round(u * 999)) : u * path.noiseTime;
      expect(Math.abs(timeOfLogSnr(path, path.at(t).logSnr) - t)).toBeLessThan(1e-9 * path.noiseTime);
    }),
  );
  expect(() => timeOfLogSnr(ve({ sigmaMin: 1, sigmaMax: Math.E }), 3)).toThrow(
    /^logSnr is 3; allowed: a log-SNR from -1(\.\d+)? to 0 on path ve\.$/,
  );
});

test("SD3's grid is its pipeline's: linspace, shift 3", () => {
  expect(timeGrid(stableDiffusion3(), 28)).toEqual(timeGrid(flow, 28, { spacing: "linspace", shift: 3 }));
  expect(timeGrid(stableDiffusion3(), 4, { spacing: "uniform", shift: 1 })).toEqual([1, 0.75, 0.5, 0.25, 0]);
});

test("every spacing on every path falls strictly and ends at its data, or says why not", () => {
  const paths = [
    sd,
    fine,
    flow,
    rectifiedFlow({ noiseTime: 0.98 }),
    vp(),
    ve(),
    ve({ schedule: "karras" }),
    subVp(),
    edm(),
    stableDiffusion15({ zeroTerminalSnr: true }),
  ];
  const spacing = fc.constantFrom<GridOptions["spacing"][]>(
    "karras",
    "exponential",
    "beta",
    "ays",
    "uniform",
    "linspace",
    "leading",
    "trailing",
    undefined,
  );
  let made = 0;
  fc.assert(
    fc.property(fc.constantFrom(...paths), spacing, fc.integer({ min: 1, max: 120 }), (path, spacing, n) => {
      let grid: number[];
      try {
        grid = timeGrid(path, n, { spacing });
      } catch (error) {
        expect(String(error)).toMatch(/^EtalonError: /);
        return;
      }
      made++;
      expect(grid).toHaveLength(n + 1);
      expect(grid[n]).toBe(path.dataTime);
      for (let i = 0; i < n; i++) expect(grid[i]).toBeGreaterThan(grid[i + 1]);
      for (const t of grid) expect(path.at(t).logSnr).not.toBeNaN();
    }),
    { numRuns: 400 },
  );
  expect(made).toBeGreaterThan(150);
});

test.each([
  [
    () => timeGrid(sd, 200, { spacing: "karras" }),
    /^steps is 200; allowed: a number at which the times fall: here times\[\d+\] and times\[\d+\] are .* A path with interpolation has times between timesteps\.$/,
  ],
  [
    () => timeGrid(stableDiffusion15({ zeroTerminalSnr: true }), 9, { spacing: "karras" }),
    /^sigmaMax is Infinity; allowed: a finite number > 0\. In pure noise σ\/α is infinite: start the grid later\.$/,
  ],
  [() => timeGrid(fine, 9, { spacing: "karras", rho: 0 }), /^rho is 0; allowed: a finite number > 0\.$/],
  [() => timeGrid(fine, 9, { spacing: "karras", sigmaMax: 99 }), /^logSnr is -4\.59.*; allowed: a log-SNR from /],
  [
    () => timeGrid(fine, 9, { spacing: "karras", sigmaMin: 99 }),
    /^sigmaMin is 99; allowed: a finite number > 0 and < 14\.6/,
  ],
  [() => timeGrid(fine, 9, { spacing: "ays", table: "sd3" as "sdxl" }), /^table is "sd3"; allowed: sd15, sdxl, svd\./],
  [() => timeGrid(flow, 9, { shiftTerminal: 1 }), /^shiftTerminal is 1; allowed: a finite number > 0 and < 1\.$/],
  [
    () => timeGrid(edm(), 9, { spacing: "uniform", shift: 3 }),
    /^shift is 3; allowed: nothing on path edm: times in \[0, 1\] are shifted\.$/,
  ],
  [() => fine.at(-0.5), /^t is -0\.5; allowed: -1, or a time ≥ 0\.$/],
  [() => edm().at(81), /^t is 81; allowed: a finite number ≥ 0 and ≤ 80\. A time of the EDM path is its σ\.$/],
  [() => ve({ schedule: "linear" as "karras" }), /^schedule is "linear"; allowed: geometric, karras\.$/],
])("refuses: %#", (f, message) => {
  expect(f).toThrow(message);
});
