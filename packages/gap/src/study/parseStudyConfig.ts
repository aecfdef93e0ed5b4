import { check, EtalonError } from "@etalon/errors";
import { loadPrompts } from "@etalon/models";
import { mergeConfig, parseConfig, parseSets } from "@etalon/trainers";
import { jobTrainConfig } from "./jobTrainConfig.ts";
import { StudyConfig } from "./StudyConfig.ts";
import { studyJobs } from "./studyJobs.ts";

/**
 * A study config with every default filled in, checked whole: every training's config too, and that rich prompt lists go with the short ones.
 * @param json  as read from a file, or a preset's config    @param sets  entries as measure.samples=16, laid on top
 * @throws EtalonError BAD_CONFIG: names the key, its value and what is allowed; NOT_FOUND: a prompt list
 */
export function parseStudyConfig(json: unknown, sets: readonly string[] = []): StudyConfig {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new EtalonError("BAD_CONFIG", { argument: "config", value: json, allowed: "a JSON object" });
  const config = parseConfig(StudyConfig, mergeConfig(json, parseSets(sets)));
  const { prompts, measure } = config;
  for (const short of ["inDomain", "heldOut"] as const) {
    const list = loadPrompts(prompts[short]);
    const rich = loadPrompts(prompts[`${short}Rich`]);
    check.that(rich.length === list.length, "BAD_CONFIG", {
      argument: `prompts.${short}Rich`,
      value: prompts[`${short}Rich`],
      allowed: `a list of ${list.length} prompts, as ${prompts[short]} has`,
    });
    check.that(list.length >= 2 && measure.samples >= list.length, "BAD_CONFIG", {
      argument: "measure.samples",
      value: measure.samples,
      allowed: `at least the number of prompts, ${list.length}, which is at least 2`,
    });
  }
  const names = new Set<string>();
  for (const job of studyJobs(config)) {
    jobTrainConfig(config, job);
    const name = `${job.reward} at eta ${job.eta}, seed ${job.seed}`;
    check.that(!names.has(name), "BAD_CONFIG", {
      argument: "trainings",
      value: name,
      allowed: "each training once",
    });
    names.add(name);
  }
  return config;
}
