import { rectifiedFlow, stableDiffusion15 } from "@etalon/schedules";
import { expect, test } from "vitest";
import { plan, planSvg } from "./index.ts";

const flow = rectifiedFlow();
const mixed = plan({ path: flow, steps: 5, eta: 1.2, sde: [1, 3], start: 0.98 });

test("a bar a step, tall where it draws noise; σ and log-SNR over them", () => {
  const svg = planSvg(mixed, { path: flow });
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="640" height="320"/);
  expect(svg.match(/fill="#4878a8"/g)).toHaveLength(2);
  expect(svg.match(/fill="#999"/g)).toHaveLength(3);
  expect(svg).toContain("<title>1: 0.784 → 0.588, gddim, η 1.2, std 0.5677</title>");
  expect(svg).toContain("ode + gddim on flow, 5 steps");
  expect(svg.match(/<polyline/g)).toHaveLength(2);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  expect(planSvg(mixed, { path: flow })).toBe(svg);
  // The tallest of bars and σ is σ after the first step, 0.784; the bar of step 1 has its height to scale.
  expect(svg).toMatch(new RegExp(`height="${Math.round((0.567657 / 0.784) * 246 * 100) / 100}"`));
});

test("without a path, without noise, from pure noise, with one step: still a picture", () => {
  for (const options of [
    { steps: 3, eta: 0 },
    { steps: 1, eta: 1 },
  ]) {
    const made = plan({ path: flow, ...options });
    for (const path of [undefined, flow]) expect(planSvg(made, { path })).not.toMatch(/NaN|Infinity|undefined/);
  }
  expect(planSvg(plan({ path: stableDiffusion15(), steps: 4, eta: 1 }), { title: "a < b & c" })).toContain(
    "a &#60; b &#38; c",
  );
});
