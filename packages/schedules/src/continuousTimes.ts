import { check, EtalonError } from "@etalon/errors";
import type { GridOptions } from "./GridOptions.ts";
import type { Path } from "./Path.ts";
import { fluxShift, shiftTime, stretchToTerminal, unshiftTime } from "./shiftTime.ts";

/** The times of a continuous path by "uniform" or "linspace", shifted and stretched; the last is the path's dataTime. */
export function continuousTimes(path: Path, n: number, options: GridOptions): number[] {
  const { spacing = "uniform", start = path.noiseTime, lastTime = 1 / 1000, shiftTerminal } = options;
  check.oneOf("spacing", spacing, ["uniform", "linspace"]);
  check.range("start", start, { above: path.dataTime, max: Math.max(1, path.noiseTime) });
  check.range("lastTime", lastTime, { above: path.dataTime, max: Math.max(1, path.noiseTime) });
  for (const name of ["stepsOffset", "skipLast"] as const) {
    check.that(options[name] === undefined, "OUT_OF_RANGE", {
      argument: name,
      value: options[name],
      allowed: "nothing: only a discrete path has it",
    });
  }
  const shift = shiftOf(options);
  for (const name of ["shift", "fluxTokens", "shiftTerminal"] as const) {
    check.that(options[name] === undefined || options[name] === 1 || path.noiseTime <= 1, "OUT_OF_RANGE", {
      argument: name,
      value: options[name],
      allowed: `nothing on path ${path.name}: times in [0, 1] are shifted`,
    });
  }
  const first = shift === 1 ? start : unshiftTime(start, shift);
  const last = shiftTime(lastTime, shift);
  const times = Array.from({ length: n }, (_, i) => {
    if (i === 0) return start;
    if (spacing === "uniform") {
      const even = path.dataTime + ((first - path.dataTime) * (n - i)) / n;
      return shift === 1 ? even : shiftTime(even, shift);
    }
    const even = i === n - 1 ? last : first + ((last - first) * i) / (n - 1);
    return shift === 1 ? even : shiftTime(even, shift);
  });
  if (times.some((t, i) => i > 0 && !(t < times[i - 1]))) {
    throw new EtalonError("OUT_OF_RANGE", {
      argument: "start",
      value: start,
      allowed: `a time above ${shiftTime(lastTime, shift)}, where the "linspace" grid ends`,
    });
  }
  const stretched = shiftTerminal === undefined ? times : stretchToTerminal(times, shiftTerminal);
  return [...stretched, path.dataTime];
}

function shiftOf({ shift, fluxTokens, dynamicShift }: GridOptions): number {
  check.that(shift === undefined || fluxTokens === undefined, "OUT_OF_RANGE", {
    argument: "shift",
    value: shift,
    allowed: "nothing beside fluxTokens, which gives the shift",
  });
  if (fluxTokens !== undefined) return fluxShift(fluxTokens, dynamicShift);
  check.that(dynamicShift === undefined || shift !== undefined, "OUT_OF_RANGE", {
    argument: "fluxTokens",
    value: fluxTokens,
    allowed: "the number of image tokens: this grid shifts by it",
  });
  return shift ?? 1;
}
