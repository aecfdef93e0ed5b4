import { check, EtalonError } from "@etalon/errors";
import { halfOf } from "./arguments.ts";
import type { Half } from "./binding.ts";
import { call, type Inputs } from "./call.ts";
import type { Dtype } from "./Dtype.ts";
import type { Elements } from "./Elements.ts";
import { numberOf } from "./portable/float16.ts";

/** How many numbers of a kind an array holds, and the index of the first; −1 where there is none. */
export interface Finding {
  count: number;
  first: number;
}

/** What an array holds that is neither a normal number nor zero. */
export interface Findings {
  nan: Finding;
  infinite: Finding;
  /** Below the least normal number of the array's own type: 2^−126, in float16 2^−14. Results are right with them; they tell of numbers that fade. */
  subnormal: Finding;
}

/**
 * Looks an array through.
 * @param dtype  what the words of a Uint16Array are    @throws EtalonError BAD_TYPE, OUT_OF_RANGE
 */
export function inspect(array: Elements, dtype?: Dtype): Findings {
  const half = halfOf(dtype);
  if (!(array instanceof Float32Array) && !(array instanceof Uint16Array && half !== 0)) {
    const allowed = "a Float32Array, or a Uint16Array with a dtype";
    throw new EtalonError("BAD_TYPE", { argument: "array", value: array, allowed });
  }
  return findings(array, half);
}

function findings(array: Elements, half: Half): Findings {
  const found = new Float64Array(6);
  call((binding) => binding.inspect(array, half, found));
  const finding = (kind: number): Finding => ({ count: found[kind], first: found[3 + kind] });
  return { nan: finding(0), infinite: finding(1), subnormal: finding(2) };
}

/**
 * What `check: true` asks for: every input looked through before the call.
 * @throws EtalonError NOT_FINITE: NaN or infinity; OUT_OF_RANGE: subnormal numbers only. The message has the count and the first index of each kind in each array
 */
export function checkInputs(inputs: Inputs, half: Half, mode: boolean | "finite"): void {
  check.oneOf("check", String(mode), ["true", "false", "finite"]);
  if (!mode) return;
  const strict = mode === true;
  const reports: string[] = [];
  let worst: { name: string; at: number; rank: number } | undefined;
  for (const [name, array] of Object.entries(inputs)) {
    if (array === undefined) continue;
    const all = findings(array, half);
    const kinds = (["nan", "infinite", "subnormal"] as const).filter((kind) => all[kind].count > 0);
    for (const kind of strict ? kinds : kinds.filter((each) => each !== "subnormal")) {
      const { count, first } = all[kind];
      reports.push(`${name}: ${count} ${kind === "nan" ? "NaN" : kind}, first at ${first}`);
      const rank = kind === "subnormal" ? 1 : 0;
      if (worst === undefined || rank < worst.rank) worst = { name, at: first, rank };
    }
  }
  if (worst === undefined) return;
  const array = inputs[worst.name]!;
  throw new EtalonError(worst.rank === 0 ? "NOT_FINITE" : "OUT_OF_RANGE", {
    argument: `${worst.name}[${worst.at}]`,
    value: numberOf(array, half, array[worst.at]),
    allowed: strict ? "finite numbers, none subnormal" : "finite numbers",
    hint: `Found ${reports.join("; ")}.`,
  });
}
