import { rectifiedFlow, timeGrid } from "@etalon/schedules";
import { goldenTensors } from "@etalon/testkit";
import { describe, expect, test } from "vitest";
import { danceSdeStep, flowSdeStep, peerLogProb } from "./index.ts";

const golden = goldenTensors("schedulers/mixgrpo_sde.safetensors");
const floats = (name: string) => golden.get(name).data as Float32Array | Float64Array;
const flow = rectifiedFlow();
const grid = timeGrid(flow, 25, { shift: 3 });
const dim = 24;
const cases = [0.3, 0.7, 1.2].flatMap((eta) => [0, 1, 5, 12, 20, 24].map((index) => ({ eta, index })));

/** MixGRPO's flow_grpo_step and dance_grpo_step, run unmodified in float32. */
describe.each(cases)("MixGRPO, eta $eta, index $index", ({ eta, index }) => {
  const of = (step: typeof flowSdeStep, name: string) => {
    const { a, b, std } = step(flow, grid[index], grid[index + 1], eta);
    const [x, v, z] = ["latents", "model_output", "noise"].map(floats);
    const mean = Float64Array.from(x, (value, k) => a * value + b * v[k]);
    const next = mean.map((value, k) => value + std * z[k]);
    expect(next).toBeAllclose(floats(`${name}.eta${eta}.i${index}.prev`), { atol: 5e-5 });
    return { next, mean, std, dim };
  };

  test("flow_grpo_step's log-probability is the density's mean", () => {
    const step = of(flowSdeStep, "flow");
    expect(peerLogProb("mean", step)).toBeAllclose(floats(`flow.eta${eta}.i${index}.logprob`), {
      rtol: 1e-4,
      atol: 1e-4,
    });
  });

  test("dance_grpo_step's leaves the normaliser out, by that name alone", () => {
    const step = of(danceSdeStep, "dance");
    expect(peerLogProb("dance-grpo", step)).toBeAllclose(floats(`dance.eta${eta}.i${index}.logprob_repo`), {
      rtol: 1e-4,
    });
    expect(peerLogProb("mean", step)).toBeAllclose(floats(`dance.eta${eta}.i${index}.logprob_full64`), {
      rtol: 1e-5,
      atol: 1e-5,
    });
  });
});

test("Flow-CPS counts bare squares", () => {
  expect(peerLogProb("flow-cps", { next: [1, 2, 3, 5], mean: [1, 1, 1, 1], std: 0.3, dim: 2 })).toEqual(
    Float64Array.of(-0.5, -10),
  );
});

test.each([
  [{ next: [1, 2, 3], mean: [1, 2, 3], std: 1, dim: 2 }, "next is [1,2,3]; allowed: a multiple of dim = 2 items."],
  [{ next: [1, 2], mean: [1], std: 1, dim: 2 }, "mean is [1]; allowed: 2 items."],
  [
    { next: [1, 2], mean: [1, 2], std: 0, dim: 2 },
    "std is 0; allowed: a finite number > 0. A step without noise has no density.",
  ],
])("refuses: %#", (options, message) => {
  expect(() => peerLogProb("mean", options)).toThrow(expect.objectContaining({ message }));
});
