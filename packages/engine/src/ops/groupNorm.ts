import { check, EtalonError } from "@etalon/errors";
import type { Tensor } from "@tensorflow/tfjs";
import { checkShape } from "./checkShape.ts";
import { emptyResult } from "./emptyResult.ts";
import { hasFused, isTaped, runFused, withGradients } from "./fused.ts";
import { silu } from "./silu.ts";

/** What a group norm does beside normalising. */
export interface GroupNormOptions {
  /** float32 [channels] each; both or none. */
  gain?: Tensor;
  bias?: Tensor;
  /** > 0; default 1e-5, as torch's. */
  epsilon?: number;
  /** Whether SiLU follows, as in a U-Net's blocks. Default false. */
  silu?: boolean;
}

/**
 * Group normalisation (arXiv:1803.08494): each sample's groups of neighbouring channels to mean 0 and variance 1 over pixels and channels, ·gain + bias, then SiLU where asked
 * for; with its exact gradient.
 * @param x  float32 [batch, ..., channels]    @param groups  a divisor of channels    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE
 */
export function groupNorm(x: Tensor, groups: number, options: GroupNormOptions = {}): Tensor {
  const { gain, bias, epsilon = 1e-5, silu: activate = false } = options;
  check.range("epsilon", epsilon, { above: 0 });
  check.range("groups", groups, { min: 1, integer: true });
  checkShape("x", x, x.rank >= 2 ? x.shape : [null, null]);
  const channels = x.shape[x.rank - 1] as number;
  if (channels % groups !== 0)
    throw new EtalonError("BAD_SHAPE", { argument: "channels", value: channels, allowed: `a multiple of ${groups}` });
  for (const [name, vector] of Object.entries({ gain, bias })) {
    if (vector !== undefined) checkShape(name, vector, [channels]);
    else if (gain !== bias) throw new EtalonError("BAD_TYPE", { argument: name, value: undefined, allowed: "gain and bias, or neither" });
  } // biome-ignore format: a line
  if (x.size === 0) return emptyResult(x.shape, [x, gain, bias]);
  if (!hasFused("EtalonGroupNorm")) return plainGroupNorm(x, groups, { gain, bias, epsilon, silu: activate });
  const attributes = { groups, epsilon, silu: activate };
  if (!isTaped()) return runFused<Tensor[]>("EtalonGroupNorm", { x, gain, bias }, { ...attributes, keep: false })[0];
  return withGradients(
    gain && bias ? [x, gain, bias] : [x],
    () => {
      const [value, mean, rstd] = runFused<Tensor[]>(
        "EtalonGroupNorm",
        { x, gain, bias },
        { ...attributes, keep: true },
      );
      return { value, saved: gain && bias ? [x, mean, rstd, gain, bias] : [x, mean, rstd] };
    },
    (dy, [input, mean, rstd, factor, shift]) =>
      runFused<Tensor[]>(
        "EtalonGroupNormGradients",
        { x: input, mean, rstd, dy, gain: factor, bias: shift },
        attributes,
      ),
  );
}

function plainGroupNorm(
  x: Tensor,
  groups: number,
  { gain, bias, epsilon = 1e-5, silu: activate }: GroupNormOptions,
): Tensor {
  const [batch, channels] = [x.shape[0], x.shape[x.rank - 1]] as [number, number];
  const grouped = x.reshape([batch, -1, groups, channels / groups]);
  const centred = grouped.sub(grouped.mean([1, 3], true));
  const normal = centred.mul(centred.square().mean([1, 3], true).add(epsilon).rsqrt()).reshape(x.shape);
  const scaled = gain && bias ? normal.mul(gain).add(bias) : normal;
  return activate ? silu(scaled) : scaled;
}
