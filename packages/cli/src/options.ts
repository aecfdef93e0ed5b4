import { check, EtalonError } from "@etalon/errors";
import { InvalidArgumentError } from "commander";

/** Parsers of option values: they refuse what `Number()` would let through (an empty text, "1x"), and name the flag. */
export const number =
  (flag: string, range: Parameters<typeof check.range>[2] = {}) =>
  (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    try {
      return check.range(flag, value, range);
    } catch (error) {
      throw new EtalonError("OUT_OF_RANGE", {
        ...(error as EtalonError).detail,
        value: Number.isNaN(value) ? text : value,
      });
    }
  };

/** A whole number from 1. */
export const count = (flag: string) => number(flag, { min: 1, integer: true });

/** A 64-bit seed. */
export function seed(text: string): number {
  return number("seed", { min: 0, integer: true })(text);
}

/** `--set a.b=c`, collected. */
export function assignment(text: string, previous: string[] = []): string[] {
  if (!/^[\w.]+=/.test(text)) throw new InvalidArgumentError("allowed: key=value, as in train.epochs=6");
  return [...previous, text];
}

/** What the commands take that run from a config file or a preset. */
export interface ConfigOptions {
  preset?: string;
  set?: string[];
  output?: string;
  resume?: boolean;
  json?: boolean;
}
