import { check, EtalonError } from "@etalon/errors";
import type { GridOptions } from "./GridOptions.ts";
import { type Path, type PathPoint, type Prediction, predictions } from "./Path.ts";
import { variancePreserving, variancePreservingSlope } from "./variancePreserving.ts";
import { zeroTerminalSnr } from "./zeroTerminalSnr.ts";

/** Options of a discrete path. */
export interface DiscreteVpOptions {
  /** ᾱ of every training timestep, falling, each in [0, 1). Or give `betas`. */
  alphasCumprod?: ArrayLike<number>;
  /** β of every training timestep, each in (0, 1). */
  betas?: ArrayLike<number>;
  /** ᾱ at time −1, the end of the path: that of timestep 0 ("first", what Stable Diffusion's set_alpha_to_one: false says), or 1 ("one"). Default "first". */
  finalAlpha?: "first" | "one";
  /** Rescale ᾱ to zero SNR at the last timestep (`zeroTerminalSnr`); a number is what ᾱ is there, in place of 0. Default false. */
  zeroTerminalSnr?: boolean | number;
  /**
   * Allow times between training timesteps: σ/α runs in a line between them ("linear"), or its logarithm does ("log"). Default "none".
   * diffusers' Euler takes "linear" for its own spacings, and "log" with Karras σ and their like.
   */
  interpolation?: "none" | "linear" | "log";
  /** Default "epsilon". */
  prediction?: Prediction;
  /** Default "vp-discrete". */
  name?: string;
  /** What `timeGrid` takes on this path where its caller says nothing. */
  grid?: GridOptions;
}

/**
 * A variance-preserving path on training timesteps 0 … T−1, and −1 for its end.   docs/math.md §1
 * @throws EtalonError OUT_OF_RANGE: a β or ᾱ outside its range, or ᾱ that does not fall
 */
export function discreteVp(options: DiscreteVpOptions): Path {
  const { finalAlpha = "first", interpolation = "none", prediction = "epsilon", name = "vp-discrete", grid } = options;
  check.oneOf("prediction", prediction, predictions);
  check.oneOf("finalAlpha", finalAlpha, ["first", "one"]);
  check.oneOf("interpolation", interpolation, ["none", "linear", "log"]);
  const logs = fromOptions(options);
  const last = logs.length - 1;
  const interpolates = interpolation !== "none";

  /** log ᾱ at a time. */
  function logAlphaBar(t: number): number {
    const range = { min: -1, max: last, integer: !interpolates };
    check.range("t", t, range, "A time of a discrete path is a training timestep.");
    if (t < 0) {
      check.that(t === -1, "OUT_OF_RANGE", { argument: "t", value: t, allowed: "-1, or a time ≥ 0" });
      return finalAlpha === "one" ? 0 : logs[0];
    }
    const [below, above] = [logs[Math.floor(t)], logs[Math.ceil(t)]];
    return below === above ? below : between(below, above, t - Math.floor(t), interpolation === "log");
  }

  return {
    name,
    prediction,
    discrete: true,
    noiseTime: last,
    dataTime: -1,
    ...(interpolates ? { interpolates } : {}),
    ...(grid === undefined ? {} : { grid }),
    at: (t) => variancePreserving(logAlphaBar(t)),
    slope(t) {
      const k = Math.max(0, Math.ceil(t));
      return variancePreservingSlope(logAlphaBar(t), (k === 0 ? 0 : logs[k - 1]) - logs[k]);
    },
    initialStd: () => 1,
  };
}

/** log ᾱ a share w of the way from one timestep to the next, in a line of σ/α or of its logarithm. */
function between(below: number, above: number, w: number, log: boolean): number {
  const noise = (point: PathPoint) => 0 - point.logSnr; // log(σ/α)
  const [low, high] = [noise(variancePreserving(below)), noise(variancePreserving(above))];
  const logRatio = log ? low + w * (high - low) : low + Math.log1p(w * Math.expm1(high - low));
  // ᾱ = 1/(1 + (σ/α)²)
  return logRatio > 0 ? -2 * logRatio - Math.log1p(Math.exp(-2 * logRatio)) : 0 - Math.log1p(Math.exp(2 * logRatio));
}

function fromOptions(options: DiscreteVpOptions): Float64Array {
  const { alphasCumprod, betas, zeroTerminalSnr: rescale = false } = options;
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
  if (rescale === false) return logs;
  return zeroTerminalSnr(logs.map(Math.exp), rescale === true ? 0 : rescale).map(Math.log);
}
