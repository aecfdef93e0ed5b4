import { type Plan, plan } from "@etalon/gddim";
import type { Path } from "@etalon/schedules";
import type { StudyConfig } from "./StudyConfig.ts";
import type { Pass } from "./studyJobs.ts";

/** The steps of a pass, on the grid of the study's measurements: one for SDE and ODE, before and after training. */
export const passPlan = (
  path: Path,
  { steps, eta, rule }: Pick<Pass, "steps" | "eta" | "rule">,
  { start, shift }: Pick<StudyConfig["measure"], "start" | "shift">,
): Plan => plan({ path, steps, eta, rule, start, shift });
