/** How far a long call has come: `done` of `total` in the stage named, and a short remark. */
export interface Progress {
  stage: string;
  done: number;
  total: number;
  note?: string;
}

/** Hears of progress; called on the caller's thread, between steps. */
export type OnProgress = (progress: Progress) => void;
