export { EtalonError } from "@etalon/errors";
export { mergeConfig } from "./config/mergeConfig.ts";
export { parseConfig } from "./config/parseConfig.ts";
export { parseSets } from "./config/parseSets.ts";
export { parseTrainConfig, trainConfigSchema } from "./config/parseTrainConfig.ts";
export { type Algorithm, algorithms, TrainConfig, type TrainConfigInput } from "./config/TrainConfig.ts";
export { type TrainPreset, trainPreset, trainPresets } from "./config/trainPresets.ts";
