export { EtalonError } from "@etalon/errors";
export { type GapMeasurement, type MeasuredGap, type MeasureGapOptions, measureGap } from "./measure/measureGap.ts";
export { type SampledRewards, type SampleRewardsOptions, sampleRewards } from "./measure/sampleRewards.ts";
export type { OnProgress, Progress } from "./Progress.ts";
export { type Interval, interval } from "./statistics/interval.ts";
export { studentQuantile } from "./statistics/studentQuantile.ts";
export { type Summary, summarise } from "./statistics/summarise.ts";
export { type GaussianGap, type GaussianGapOptions, type GaussianLaw, gaussianGap } from "./theory/gaussianGap.ts";
