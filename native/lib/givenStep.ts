import { alike, batchOf, dimOf, elements, guidanceOf, halfOf, mapsOf } from "./arguments.ts";
import type { Half, RawPolicy } from "./binding.ts";
import type { Elements } from "./Elements.ts";
import type { LogProbOptions } from "./logProb.ts";

/** A step whose end is known, checked and as a binding takes it: what logProb and policyGradient share. @throws EtalonError BAD_TYPE, BAD_SHAPE, OUT_OF_RANGE */
export function givenStep(
  options: LogProbOptions,
  noisy: "log-probability" | "policy gradient",
): { policy: RawPolicy; batch: number; half: Half; next: Elements; hint: string } {
  const { next, x, cond, uncond } = options;
  const half = halfOf(options.dtype);
  const dim = dimOf(options.dim);
  const batch = batchOf(x, dim, half);
  const hint = `It is [${batch} samples, dim = ${dim}], as x.`;
  elements("cond", cond, x.length, half, hint);
  if (uncond !== undefined) alike("uncond", uncond, cond, "cond", hint);
  alike("next", next, x, "x", hint);
  const maps = mapsOf(options.map, guidanceOf(options.guidance, uncond), batch, noisy);
  return { policy: [maps, x, cond, uncond ?? null, batch, dim, half], batch, half, next, hint };
}
