/** One sampler step as an affine map of state and model output: mean = a·x + b·o, sample = mean + std·z, z ~ N(0, I). Float64; std ≥ 0, and 0 means no noise. */
export interface StepMap {
  a: number;
  b: number;
  std: number;
  /** A multistep method adds Σ a_j·x_j + b_j·o_j over the states and outputs of earlier steps, the newest first. Absent or empty for the others. */
  earlier?: readonly EarlierTerm[];
}

/** Coefficients of an earlier step's state and output. */
export interface EarlierTerm {
  a: number;
  b: number;
}

/**
 * The second half of a predictor–corrector step: with x' the state that the step's map gives and o' the model's output for it at s, the step ends at
 * a·x + b·o + next.a·x' + next.b·o' + Σ a_j·x_j + b_j·o_j.
 */
export interface CorrectorMap {
  a: number;
  b: number;
  next: EarlierTerm;
  earlier?: readonly EarlierTerm[];
}

/** Which model outputs a predictor–corrector step evaluates: one at (x, t) and one at (x', s). */
export interface PredictorCorrector {
  predict: StepMap;
  correct: CorrectorMap;
}
