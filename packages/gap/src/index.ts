export { EtalonError } from "@etalon/errors";
export { type LiveServer, type ServeOptions, serveRuns } from "./live/serveRuns.ts";
export {
  type EpochGap,
  type MeasuredTrainingOptions,
  measuredTraining,
  type TrainingEvent,
} from "./measure/measuredTraining.ts";
export { type GapMeasurement, type MeasuredGap, type MeasureGapOptions, measureGap } from "./measure/measureGap.ts";
export { type SampledRewards, type SampleRewardsOptions, sampleRewards } from "./measure/sampleRewards.ts";
export type { OnProgress, Progress } from "./Progress.ts";
export { readLines } from "./report/readLines.ts";
export { renderReport } from "./report/renderReport.ts";
export { type Interval, interval } from "./statistics/interval.ts";
export { studentQuantile } from "./statistics/studentQuantile.ts";
export { type Summary, summarise } from "./statistics/summarise.ts";
export type { Cell } from "./study/Cell.ts";
export { claims } from "./study/claims.ts";
export { parseStudyConfig } from "./study/parseStudyConfig.ts";
export { printStudyTable } from "./study/printStudyTable.ts";
export { type RunStudyOptions, runStudy } from "./study/runStudy.ts";
export type { Claim, ClaimId, Study, StudyRun } from "./study/Study.ts";
export { StudyConfig, type StudyConfigInput, studySchema } from "./study/StudyConfig.ts";
export { studyPresets } from "./study/studyPresets.ts";
export { type GaussianGap, type GaussianGapOptions, type GaussianLaw, gaussianGap } from "./theory/gaussianGap.ts";
