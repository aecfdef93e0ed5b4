import { check, EtalonError } from "@etalon/errors";
import { type Path, type Prediction, predictions } from "./Path.ts";
import { variancePreserving } from "./variancePreserving.ts";

/** Options of a discrete path. */
export interface DiscreteVpOptions {
  /** ᾱ of every training timestep, falling, each in [0, 1). Or give `betas`. */
  alphasCumprod?: ArrayLike<number>;
  /** β of every training timestep, each in (0, 1). */
  betas?: ArrayLike<number>;
  /** ᾱ at time −1, the end of the path: that of timestep 0 ("first", what Stable Diffusion's set_alpha_to_one: false says), or 1 ("one"). Default "first". */
  finalAlpha?: "first" | "one";
  /** Default "epsilon". */
  prediction?: Prediction;
  /** Default "vp-discrete". */
  name?: string;
}

/**
 * A variance-preserving path on training timesteps 0 … T−1, and −1 for its end.   docs/math.md §1
 * @throws EtalonError OUT_OF_RANGE: a β or ᾱ outside its range, or ᾱ that does not fall
 */
export function discreteVp(options: DiscreteVpOptions): Path {
  const { finalAlpha = "first", prediction = "epsilon", name = "vp-discrete" } = options;
  check.oneOf("prediction", prediction, predictions);
  check.oneOf("finalAlpha", finalAlpha, ["first", "one"]);
  const logAlphaBars = fromOptions(options);
  const last = logAlphaBars.length - 1;
  return {
    name,
    prediction,
    discrete: true,
    noiseTime: last,
    dataTime: -1,
    at(t) {
      check.range("t", t, { min: -1, max: last, integer: true }, "A time of a discrete path is a training timestep.");
      if (t === -1) return variancePreserving(finalAlpha === "one" ? 0 : logAlphaBars[0]);
      return variancePreserving(logAlphaBars[t]);
    },
    initialStd: () => 1,
  };
}

function fromOptions({ alphasCumprod, betas }: DiscreteVpOptions): Float64Array {
  const given = alphasCumprod ?? betas;
  if (given === undefined || (alphasCumprod && betas) || given.length === 0) {
    throw new EtalonError("BAD_CONFIG", {
      argument: "alphasCumprod, betas",
      value: { alphasCumprod: alphasCumprod?.length, betas: betas?.length },
      allowed: "just one of them, not empty",
    });
  }
  const logs = new Float64Array(given.length);
  for (let t = 0; t < given.length; t++) {
    if (betas) {
      check.range(`betas[${t}]`, betas[t], { above: 0, below: 1 });
      logs[t] = (t === 0 ? 0 : logs[t - 1]) + Math.log1p(-betas[t]);
    } else {
      const previous = t === 0 ? 1 : given[t - 1];
      logs[t] = Math.log(check.range(`alphasCumprod[${t}]`, given[t], { min: 0, below: previous }, "It must fall."));
    }
  }
  return logs;
}
