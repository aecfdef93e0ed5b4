import type { TensorInfo } from "@tensorflow/tfjs";
import { affine, affineGradients, type Scales } from "./affine.ts";
import { attentionOf } from "./attentionOf.ts";
import { divided, type Frame, results, rowsOf } from "./Frame.ts";
import { layerKernels } from "./layerKernels.ts";
import { flatLayout } from "./layout.ts";

interface Attributes {
  scales: Scales;
  /** Whether what the gradients need is given too. */
  keep: boolean;
  epsilon: number;
  heads: number;
  causal: boolean;
}

/** A linear layer with its adapters, plus a residual. */
function linearLayer(frame: Frame, attrs: Attributes): TensorInfo[] {
  const rows = rowsOf(frame.shape("x"));
  const y = frame.output([...frame.shape("x").slice(0, -1), frame.shape("layer.w")[1]]);
  affine(frame, "layer", attrs.scales, rows, frame.values("x"), y.values, frame.optional("residual"));
  return [y.info];
}

function linearLayerGradients(frame: Frame, { scales }: Attributes): TensorInfo[] {
  const dy = frame.values("dy");
  const dResidual = frame.gradient("residual");
  if (dResidual) frame.light.copy(dy, 0, dResidual, 0, flatLayout(dy.length, 1, 1));
  affineGradients(frame, "layer", scales, rowsOf(frame.shape("x")), dy, () => frame.values("x"), frame.gradient("x"));
  return frame.gradients();
}

/** LayerNorm of x with gain and bias, and of each row mean and 1/√(variance + epsilon). */
function normed(frame: Frame, epsilon: number) {
  const shape = frame.shape("x");
  const [rows, d] = [rowsOf(shape), shape[shape.length - 1]];
  const [y, mean, rstd] = [frame.scratch(rows * d), frame.scratch(rows), frame.scratch(rows)];
  frame.heavy.layerNorm({ batch: 1, rows, d, epsilon, x: frame.values("x"), y, gain: frame.values("gain"), bias: frame.values("bias"), mean, rstd }); // biome-ignore format: one thought
  return { y, mean, rstd, rows, d };
}

/** The gradients of `normed`, from dn, which is changed; the residual's, dy, is part of x's. */
function normedGradients(frame: Frame, { mean, rstd, rows, d }: ReturnType<typeof normed>, dn: Float32Array): void {
  frame.heavy.layerNormGradients({
    batch: 1,
    rows,
    d,
    x: frame.values("x"),
    mean,
    rstd,
    dy: dn,
    gain: frame.values("gain"),
    dx: frame.gradient("x"),
    dGain: frame.gradient("gain"),
    dBias: frame.gradient("bias"),
    residual: frame.values("dy"),
  });
}

/** An attention layer's rows, those it looks at, and its attention. */
function attentionSizes(frame: Frame, { heads, causal }: Attributes) {
  const shape = frame.shape("x");
  const [batch, rows] = [shape[0], rowsOf(shape)];
  const sources = frame.has("context") ? rowsOf(frame.shape("context")) : rows;
  const [inner, outer] = [frame.shape("q.w")[1], frame.shape("v.w")[1]];
  const attention = attentionOf(frame, { batch, rows: rows / batch, sources: sources / batch, inner, outer, heads, causal }); // biome-ignore format: one thought
  return { rows, sources, attention };
}

/** x + out(attention(q(n), k(s), v(s))), n = LayerNorm(x), s the context or n. */
function attentionLayer(frame: Frame, attrs: Attributes): TensorInfo[] {
  const { scales, epsilon, keep } = attrs;
  const { rows, sources, attention } = attentionSizes(frame, attrs);
  const y = frame.output(frame.shape("x"));
  const { arrays, info } = frame.parts(attention.lengths, keep);
  const n = normed(frame, epsilon).y;
  const source = frame.optional("context") ?? n;
  affine(frame, "q", scales, rows, n, arrays[0]);
  affine(frame, "k", scales, sources, source, arrays[1]);
  affine(frame, "v", scales, sources, source, arrays[2]);
  attention.attend(arrays, keep);
  affine(frame, "out", scales, rows, arrays[3], y.values, frame.values("x"));
  return results(y.info, info);
}

function attentionLayerGradients(frame: Frame, attrs: Attributes): TensorInfo[] {
  const { scales, epsilon } = attrs;
  const { rows, sources, attention } = attentionSizes(frame, attrs);
  const arrays = divided(frame.values("work"), attention.lengths);
  const dSeen = frame.scratch(arrays[3].length);
  affineGradients(frame, "out", scales, rows, frame.values("dy"), () => arrays[3], dSeen);
  const [dq, dk, dv] = attention.gradients(arrays, dSeen);
  const norm = normed(frame, epsilon);
  const dn = frame.scratch(norm.y.length);
  affineGradients(frame, "q", scales, rows, dq, () => norm.y, dn);
  const own = !frame.has("context");
  const source = () => (own ? norm.y : frame.values("context"));
  const dSource = own ? dn : frame.gradient("context");
  affineGradients(frame, "k", scales, sources, dk, source, dSource, own);
  affineGradients(frame, "v", scales, sources, dv, source, dSource, true);
  normedGradients(frame, norm, dn);
  return frame.gradients();
}

/** x + down(geglu(up(LayerNorm(x)))). */
function feedForwardLayer(frame: Frame, { scales, epsilon, keep }: Attributes): TensorInfo[] {
  const { y: n, rows } = normed(frame, epsilon);
  const width = frame.shape("down.w")[0];
  const y = frame.output(frame.shape("x"));
  const {
    arrays: [wide],
    info,
  } = frame.parts([rows * 2 * width], keep);
  affine(frame, "up", scales, rows, n, wide);
  const gated = frame.scratch(rows * width);
  frame.heavy.geglu({ rows, width, x: wide, y: gated });
  affine(frame, "down", scales, rows, gated, y.values, frame.values("x"));
  return results(y.info, info);
}

function feedForwardLayerGradients(frame: Frame, { scales, epsilon }: Attributes): TensorInfo[] {
  const norm = normed(frame, epsilon);
  const { rows } = norm;
  const width = frame.shape("down.w")[0];
  const wide = frame.values("work");
  const dGated = frame.scratch(rows * width);
  const gated = () => {
    const y = frame.scratch(rows * width);
    frame.heavy.geglu({ rows, width, x: wide, y });
    return y;
  };
  affineGradients(frame, "down", scales, rows, frame.values("dy"), gated, dGated);
  const dWide = frame.scratch(rows * 2 * width);
  frame.heavy.gegluGradients({ rows, width, x: wide, dy: dGated, dx: dWide });
  const dn = frame.scratch(norm.y.length);
  affineGradients(frame, "up", scales, rows, dWide, () => norm.y, dn);
  normedGradients(frame, norm, dn);
  return frame.gradients();
}

/** The layers of a transformer, each in one kernel: steps of the addon's, without a tensor between them. */
export const transformerLayers = layerKernels<Attributes>({
  EtalonLinearLayer: linearLayer,
  EtalonLinearLayerGradients: linearLayerGradients,
  EtalonAttentionLayer: attentionLayer,
  EtalonAttentionLayerGradients: attentionLayerGradients,
  EtalonFeedForwardLayer: feedForwardLayer,
  EtalonFeedForwardLayerGradients: feedForwardLayerGradients,
});
