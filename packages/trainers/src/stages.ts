import { advantagesOf } from "./parts/advantagesOf.ts";
import { rewardImages } from "./parts/rewardImages.ts";
import { rollOut } from "./parts/rollOut.ts";
import { samplePrompts } from "./parts/samplePrompts.ts";
import { selectImages } from "./parts/selectImages.ts";
import { trainedSteps } from "./parts/trainedSteps.ts";
import { trainingPlan } from "./parts/trainingPlan.ts";
import { updatePolicy } from "./parts/updatePolicy.ts";

/** The parts of the loop, in the order in which an epoch calls them. Each may be replaced by a function of the same type: `openRun({ config, stages: { advantagesOf: mine } })`. */
export const stages = {
  samplePrompts,
  trainingPlan,
  trainedSteps,
  rollOut,
  rewardImages,
  advantagesOf,
  selectImages,
  updatePolicy,
} as const;

/** The functions of the loop by name. */
export type Stages = { readonly [K in keyof typeof stages]: (typeof stages)[K] };
