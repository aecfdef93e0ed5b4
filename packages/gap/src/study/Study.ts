import type { Rule } from "@etalon/gddim";
import type { Summary } from "../statistics/summarise.ts";
import type { StudyConfig } from "./StudyConfig.ts";

/** One measurement of a study: a trained model, a sampler, a set of prompts. */
export interface StudyRun {
  reward: string;
  /** Noise level that was trained with. */
  trainEta: number;
  /** Seed of the training. */
  seed: number;
  /** Epochs trained; 0 is the model before. */
  epoch: number;
  /** Noise level of the SDE in the units of its rule: of gDDIM, or Flow-GRPO's a for "flow-sde". */
  evalEta: number;
  rule: Rule;
  steps: number;
  split: "in-domain" | "held-out";
  prompts: "short" | "rich";
  n: number;
  sde: Summary;
  ode: Summary;
  gap: Summary;
  /** ODE reward − that of the same pictures before training, paired; where the latter was measured. */
  odeRise?: Summary;
}

/** The paper's claims that a study puts to the test. */
export type ClaimId = "narrows" | "best-eta" | "few-steps" | "rich-prompts";

/** A claim, its estimate with a 95 % interval, and what that says. */
export interface Claim {
  id: ClaimId;
  /** What was put to the test, in words: reward, quantity, what the interval is over. */
  statement: string;
  reward: string;
  estimate: number;
  low: number;
  high: number;
  verdict: "supported" | "not supported" | "inconclusive";
}

/** What study.json holds. The same config gives the same bytes on one machine and engine, however it was split over workers. */
export interface Study {
  config: StudyConfig;
  runs: StudyRun[];
  /** The first reward's four claims first. */
  claims: Claim[];
}
