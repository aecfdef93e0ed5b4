import type { StudyRun } from "./Study.ts";

/** What a measurement is of: a StudyRun less its numbers. */
export type CellKey = Omit<StudyRun, "n" | "sde" | "ode" | "gap" | "odeRise">;

/** A measurement with its paired rewards, one a picture: what claims are drawn from. */
export interface Cell extends CellKey {
  sde: readonly number[];
  ode: readonly number[];
  /** Number of prompts: picture i has prompt i modulo this. Rich prompts are the short ones said at length, in the same order. */
  promptCount: number;
}
