import { check, EtalonError } from "@etalon/errors";
import { z } from "zod";
import { algorithmDefaults } from "./algorithmDefaults.ts";
import { mergeConfig } from "./mergeConfig.ts";
import { parseConfig } from "./parseConfig.ts";
import { parseSets } from "./parseSets.ts";
import { algorithms, TrainConfig } from "./TrainConfig.ts";

/**
 * A training config with every default filled in: `sets` lie on `json`, that on the algorithm's defaults, those on the general ones.
 * @param json  as read from a file; or a preset's config    @param sets  entries as train.epochs=6
 * @throws EtalonError BAD_CONFIG: names the key, its value and what is allowed
 */
export function parseTrainConfig(json: unknown, sets: readonly string[] = []): TrainConfig {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new EtalonError("BAD_CONFIG", { argument: "config", value: json, allowed: "a JSON object" });
  const given = mergeConfig(json, parseSets(sets));
  const algorithm = check.oneOf("algorithm", given.algorithm ?? "ddpo", algorithms, "BAD_CONFIG");
  return withLengths(parseConfig(TrainConfig, mergeConfig(algorithmDefaults[algorithm], given)));
}

/** Schedules that are as long as the run get its length as it is now: a run that is given more epochs later keeps its schedules. */
function withLengths(config: TrainConfig): TrainConfig {
  const { sampler, train } = config;
  const { eta } = sampler;
  const updates = train.epochs * train.updatesPerEpoch * train.innerEpochs;
  const moving = typeof eta === "object" && eta.along === "training";
  return {
    ...config,
    sampler: { ...sampler, eta: moving ? { ...eta, epochs: eta.epochs ?? train.epochs } : eta },
    train: {
      ...train,
      schedule:
        train.schedule.shape === "cosine"
          ? { ...train.schedule, updates: train.schedule.updates ?? updates }
          : train.schedule,
    },
  };
}

/** The JSON Schema of a training config, for editors and `etalon schema train`. Defaults are the general ones; an algorithm's own come on top. */
export const trainConfigSchema = (): Record<string, unknown> =>
  z.toJSONSchema(TrainConfig, { io: "input" }) as Record<string, unknown>;
