import { check } from "@etalon/errors";
import type { GridOptions } from "./GridOptions.ts";
import type { Path } from "./Path.ts";

/** The times of a discrete path by "leading", "trailing" or "linspace", as diffusers lays them; the last is −1. */
export function discreteTimes(path: Path, n: number, options: GridOptions): number[] {
  const { spacing = "leading", stepsOffset = 1, start = path.noiseTime, shift, fluxTokens } = options;
  check.oneOf("spacing", spacing, ["leading", "trailing", "linspace"]);
  check.range("start", start, { min: 0, max: path.noiseTime, integer: true });
  check.range("stepsOffset", stepsOffset, { min: 0, integer: true });
  check.that(shift === undefined && fluxTokens === undefined, "OUT_OF_RANGE", {
    argument: shift === undefined ? "fluxTokens" : "shift",
    value: shift ?? fluxTokens,
    allowed: "nothing: a discrete path has no time shift",
  });
  const count = start + 1;
  check.range("steps", n, { min: 1, max: count, integer: true });
  const extra = options.skipLast ? 1 : 0; // one point more, that nearest the data left out
  const times = Array.from({ length: n }, (_, i) => {
    const fromData = n - 1 + extra - i;
    if (spacing === "leading") return fromData * Math.floor(count / (n + extra)) + stepsOffset;
    if (spacing === "trailing") return roundHalfEven(count - (i * count) / n) - 1;
    const points = n - 1 + extra;
    const at = points === 0 ? start : (start * fromData) / points;
    return path.interpolates ? at : roundHalfEven(at);
  });
  check.that(times[0] <= path.noiseTime, "OUT_OF_RANGE", {
    argument: "stepsOffset",
    value: stepsOffset,
    allowed: `at most ${path.noiseTime - times[0] + stepsOffset} with ${n} steps`,
  });
  return [...times, path.dataTime];
}

/** numpy's rounding: a half goes to the even neighbour. */
function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
