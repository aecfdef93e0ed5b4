import { check } from "@etalon/errors";

/** A mean and its standard error. */
export interface Summary {
  mean: number;
  /** s/√n, s the sample standard deviation; 0 for a single value, which has no error that could be known. */
  sem: number;
}

/** Mean and standard error of some values, in float64, in two passes. @throws EtalonError BAD_SHAPE: no value; NOT_FINITE: a value that is none */
export function summarise(values: ArrayLike<number>): Summary {
  const n = values.length;
  check.that(n > 0, "BAD_SHAPE", { argument: "values", value: values, allowed: "one value or more" });
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i];
  const mean = sum / n;
  check.that(Number.isFinite(mean), "NOT_FINITE", { argument: "values", value: mean, allowed: "finite values" });
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (values[i] - mean) ** 2;
  return { mean, sem: n === 1 ? 0 : Math.sqrt(squares / (n - 1) / n) };
}
