import { type ErrorCode, type ErrorDetail, EtalonError } from "./EtalonError.ts";
import { nearest } from "./nearest.ts";

/** Bounds of a number; `above` and `below` are open ends, `min` and `max` closed ones. */
export interface Range {
  min?: number;
  max?: number;
  above?: number;
  below?: number;
  integer?: boolean;
}

/** Argument checks. Each gives back the checked value, or throws an EtalonError that names argument, value and what is allowed. */
export const check = {
  /** A finite number within bounds. @throws EtalonError BAD_TYPE: not a number; OUT_OF_RANGE: NaN, infinite or outside */
  range(argument: string, value: unknown, range: Range = {}, hint?: string): number {
    if (typeof value === "number" && isInside(value, range)) return value;
    const code = typeof value === "number" ? "OUT_OF_RANGE" : "BAD_TYPE";
    throw new EtalonError(code, { argument, value, allowed: inWords(range), hint });
  },
  /** A positive whole number. */
  count(argument: string, value: unknown, hint?: string): number {
    return check.range(argument, value, { min: 1, integer: true }, hint);
  },
  /** One of a list of names; the hint gives the nearest one. @throws EtalonError OUT_OF_RANGE, or the code given */
  oneOf<const T extends string>(
    argument: string,
    value: unknown,
    names: readonly T[],
    code: ErrorCode = "OUT_OF_RANGE",
  ): T {
    if (names.includes(value as T)) return value as T;
    const near = typeof value === "string" ? nearest(value, names) : undefined;
    const hint = near === undefined ? undefined : `Did you mean ${JSON.stringify(near)}?`;
    throw new EtalonError(code, { argument, value, allowed: names.join(", "), hint });
  },
  /** An array or typed array of just this many items. @throws EtalonError BAD_SHAPE */
  length<T extends ArrayLike<unknown>>(argument: string, value: T, expected: number, hint?: string): T {
    if (value?.length === expected) return value;
    throw new EtalonError("BAD_SHAPE", { argument, value, allowed: `${expected} items`, hint });
  },
  /** A string with at least one visible character. @throws EtalonError BAD_TYPE */
  text(argument: string, value: unknown, hint?: string): string {
    if (typeof value === "string" && value.trim() !== "") return value;
    throw new EtalonError("BAD_TYPE", { argument, value, allowed: "a text that is not empty", hint });
  },
  /** Any other condition. */
  that(condition: unknown, code: ErrorCode, detail: ErrorDetail): void {
    if (!condition) throw new EtalonError(code, detail);
  },
};

function isInside(value: number, { min, max, above, below, integer }: Range): boolean {
  if (integer ? !Number.isSafeInteger(value) : !Number.isFinite(value)) return false;
  return !(
    (min !== undefined && value < min) ||
    (max !== undefined && value > max) ||
    (above !== undefined && value <= above) ||
    (below !== undefined && value >= below)
  );
}

function inWords({ min, max, above, below, integer }: Range): string {
  const bounds = [
    min === undefined ? "" : `≥ ${min}`,
    above === undefined ? "" : `> ${above}`,
    max === undefined ? "" : `≤ ${max}`,
    below === undefined ? "" : `< ${below}`,
  ].filter(Boolean);
  return [integer ? "a whole number" : "a finite number", bounds.join(" and ")].filter(Boolean).join(" ");
}
