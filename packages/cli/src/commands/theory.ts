import { type GaussianGapOptions, gaussianGap } from "@etalon/gap";
import { type Path, rectifiedFlow, timeGrid, ve, vp } from "@etalon/schedules";
import { Command, Option } from "commander";
import { count, number } from "../options.ts";
import { print, printJson } from "../output.ts";

const paths = {
  vp: () => vp(),
  ve: () => ve(),
  flow: () => rectifiedFlow({ noiseTime: 0.999 }),
} as const satisfies Record<string, () => Path>;

interface Options {
  path: keyof typeof paths;
  eta: number;
  evalEta?: number;
  steps: number;
  mean: number;
  variance: number;
  target: number;
  curvature: number;
  beta?: number;
  json?: boolean;
}

/** `etalon theory`: the exact reward gap of a Gaussian. */
export function theoryCommand(): Command {
  const real = (flag: string) => number(flag);
  return new Command("theory")
    .description(
      "the exact reward gap for Gaussian data and a quadratic reward, at a finite number of steps (docs/math.md, section 6)",
    )
    .addOption(new Option("--path <name>", "the noise path").choices(Object.keys(paths)).default("flow"))
    .option("--eta <number>", "noise level in training", number("eta", { min: 0 }), 1.2)
    .option(
      "--eval-eta <number>",
      "noise level of the SDE that is measured (as in training where left out)",
      number("eval-eta", { min: 0 }),
    )
    .option("--steps <count>", "sampler steps", count("steps"), 20)
    .option("--mean <number>", "mean of the data", real("mean"), 0)
    .option("--variance <number>", "variance of the data", number("variance", { above: 0 }), 1)
    .option("--target <number>", "where the reward -q/2 (x - c)^2 is best: c", real("target"), 2)
    .option("--curvature <number>", "q", number("curvature", { min: 0 }), 1)
    .option(
      "--beta <number>",
      "price of KL in training: small is fully trained; left out is untrained",
      number("beta", { above: 0 }),
    )
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  $ etalon theory --path vp --eta 1.2 --steps 20 --beta 0.1")
    .action(run);
}

function run({ path: name, steps, mean, variance, target, curvature, json, ...rest }: Options): void {
  const path = paths[name]();
  const options: GaussianGapOptions = {
    path,
    times: timeGrid(path, steps),
    data: { mean, variance },
    reward: { target, curvature },
    ...rest,
  };
  const result = gaussianGap(options);
  if (json) {
    printJson({ path: name, steps, ...rest, ...result });
    return;
  }
  const line = (label: string, { reward, mean: m, variance: v }: typeof result.sde) =>
    `  ${label}  reward ${reward.toFixed(6)}   x_0 ~ N(${m.toFixed(5)}, ${v.toFixed(5)})`;
  print(
    `${name}, ${steps} steps, eta ${rest.eta}${rest.beta === undefined ? ", untrained" : `, beta ${rest.beta}`}`,
    line("SDE", result.sde),
    line("ODE", result.ode),
    `  gap  ${result.gap.toFixed(6)}   (SDE − ODE, exact)`,
  );
}
