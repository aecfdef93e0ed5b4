import { check } from "@etalon/errors";
import type { Path, PathPoint } from "@etalon/schedules";
import { snrGap } from "./marginalStep.ts";

/**
 * What a multistep step from times[0] to s looks at: the rise h of log-SNR, and the points of the outputs that it uses: `order` of them (default: as many as
 * there are times, at most `most`), or one where h is not finite, and none that lies in pure noise but the step's own.
 * @param crossesZero  whether the method's variable is finite at σ_s = 0, so that an infinite h there is no matter
 * @throws EtalonError OUT_OF_RANGE: an order that there are no times for, times that do not rise (two equal ones make no polynomial), s farther from the data than times[0]
 */
export function pastTimes(
  path: Path,
  times: readonly number[],
  s: number,
  { order, most, crossesZero = false }: { order?: number; most: number; crossesZero?: boolean },
): { h: number; points: PathPoint[] } {
  check.that(Array.isArray(times) && times.length > 0, "BAD_SHAPE", {
    argument: "times",
    value: times,
    allowed: "the step's time, then those of earlier steps",
  });
  const range = { min: 1, max: Math.min(3, times.length), integer: true };
  const used = check.range(
    "order",
    order ?? Math.min(most, times.length),
    range,
    "Each order needs one earlier output more.",
  );
  const h = snrGap(path, times[0], s);
  const points = times.slice(0, used).map((t) => path.at(t));
  points.forEach(({ logSnr }, j) => {
    check.that(j === 0 || logSnr < points[j - 1].logSnr, "OUT_OF_RANGE", {
      argument: `times[${j}]`,
      value: times[j],
      allowed: `a time noisier than times[${j - 1}] = ${times[j - 1]}`,
    });
  });
  const finite = Number.isFinite(points[0].logSnr) && (Number.isFinite(h) || crossesZero) && h > 0;
  return { h, points: points.filter(({ logSnr }, j) => j === 0 || (finite && Number.isFinite(logSnr))) };
}
