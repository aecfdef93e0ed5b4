import { reductions } from "@etalon/native/tensor";
import type { TensorInfo } from "@tensorflow/tfjs";
import { activate, activatedAffine, activationGradient, affine, affineGradients, type Scales } from "./affine.ts";
import { divided, type Frame, results, rowsOf } from "./Frame.ts";
import { layerKernels } from "./layerKernels.ts";
import { layout } from "./layout.ts";
import { type Modulated, modulated, modulatedGradients, partOf, putSpan, type Span, spanOf } from "./streams.ts";

interface Attributes {
  scales: Scales;
  /** Whether what the gradients need is given too. */
  keep: boolean;
  epsilon: number;
  /** Inputs that are embedded. */
  count: number;
  /** Rows of each sample that are left out, the first ones. */
  skip: number;
}

const indices = (count: number) => Array.from({ length: count }, (_, i) => i);

/** What a sum of embeddings keeps: the sum, and of each input the inner values before and after SiLU. */
function sumLengths(frame: Frame, count: number): number[] {
  const rows = rowsOf(frame.shape("x0"));
  const inner = indices(count).map((i) => rows * frame.shape(`first${i}.w`)[1]);
  return [rows * frame.shape("second0.w")[1], ...inner.flatMap((length) => [length, length])];
}

/** SiLU(Σ second(SiLU(first(x)))). */
function combinedEmbedding(frame: Frame, { scales, count, keep }: Attributes): TensorInfo[] {
  const rows = rowsOf(frame.shape("x0"));
  const y = frame.output([...frame.shape("x0").slice(0, -1), frame.shape("second0.w")[1]]);
  const { arrays, info } = frame.parts(sumLengths(frame, count), keep);
  let sum: Float32Array | undefined;
  for (const i of indices(count)) {
    const [before, after] = arrays.slice(1 + 2 * i);
    activatedAffine(frame, `first${i}`, scales, rows, frame.values(`x${i}`), "silu", after, before);
    const next = i === count - 1 ? arrays[0] : frame.scratch(y.values.length);
    affine(frame, `second${i}`, scales, rows, after, next, sum);
    sum = next;
  }
  activate(frame, "silu", arrays[0], y.values);
  return results(y.info, info);
}

function combinedEmbeddingGradients(frame: Frame, { scales, count }: Attributes): TensorInfo[] {
  const rows = rowsOf(frame.shape("x0"));
  const [sum, ...inner] = divided(frame.values("work"), sumLengths(frame, count));
  const dSum = activationGradient(frame, "silu", frame.values("dy"), sum);
  for (const i of indices(count)) {
    const [before, after] = inner.slice(2 * i);
    const dAfter = frame.scratch(after.length);
    affineGradients(frame, `second${i}`, scales, rows, dSum, () => after, dAfter);
    const dBefore = activationGradient(frame, "silu", dAfter, before);
    affineGradients(frame, `first${i}`, scales, rows, dBefore, () => frame.values(`x${i}`), frame.gradient(`x${i}`));
  }
  return frame.gradients();
}

/** Where each input's rows lie among all. */
function spansOf(frame: Frame, count: number): Span[] {
  const counts = indices(count).map((i) => frame.shape(`x${i}`)[1]);
  const rows = counts.reduce((sum, own) => sum + own, 0);
  const batch = frame.shape("x0")[0];
  return counts.map((own, i) => ({ batch, rows, count: own, first: counts.slice(0, i).reduce((sum, n) => sum + n, 0) }));
} // biome-ignore format: a line

/** Of each input its rows, each through the input's layer plus the row's position, one input after the other. */
function embedTokens(frame: Frame, { scales, count }: Attributes): TensorInfo[] {
  const d = frame.shape("layer0.w")[1];
  const spans = spansOf(frame, count);
  const { batch, rows } = spans[0];
  const y = frame.output([batch, rows, d]);
  for (const [i, span] of spans.entries()) {
    const own = batch * span.count;
    const [places, made] = [frame.scratch(own * d), frame.scratch(own * d)];
    const repeated = layout([batch, span.count * d], [0, 1], [span.count * d, 1]);
    frame.light.copy(frame.values(`positions${i}`), 0, places, 0, repeated);
    affine(frame, `layer${i}`, scales, own, frame.values(`x${i}`), made, places);
    putSpan(frame, made, y.values, span);
  }
  return [y.info];
}

function embedTokensGradients(frame: Frame, { scales, count }: Attributes): TensorInfo[] {
  for (const [i, span] of spansOf(frame, count).entries()) {
    const dy = spanOf(frame, frame.values("dy"), span);
    const own = span.batch * span.count;
    affineGradients(frame, `layer${i}`, scales, own, dy, () => frame.values(`x${i}`), frame.gradient(`x${i}`));
    const dPositions = frame.gradient(`positions${i}`);
    if (dPositions) frame.light.reduce(reductions.sum, dy, dPositions, 1, span.batch, dPositions.length);
  }
  return frame.gradients();
}

/** The rows that go through an adaptive linear layer, and the norm over them. */
function adaptiveOf(frame: Frame, skip: number) {
  const [batch, rows, d] = frame.shape("x");
  const span = { batch, rows, first: skip, count: rows - skip };
  const x = spanOf(frame, frame.values("x"), span);
  const norm = (vectors: Float32Array): Modulated => ({
    batch,
    rows: span.count,
    d,
    x,
    scale: partOf(vectors, 0, 2, d),
    shift: partOf(vectors, 1, 2, d),
  });
  return { span, own: batch * span.count, norm, length: batch * 2 * d };
}

/** out(LayerNorm(x)·(1 + scale) + shift) of the rows after the first ones. */
function adaptiveLinear(frame: Frame, { scales, skip, epsilon, keep }: Attributes): TensorInfo[] {
  const { span, own, norm, length } = adaptiveOf(frame, skip);
  const y = frame.output([span.batch, span.count, frame.shape("out.w")[1]]);
  const { arrays, info } = frame.parts([length], keep);
  affine(frame, "norm", scales, span.batch, frame.values("condition"), arrays[0]);
  affine(frame, "out", scales, own, modulated(frame, norm(arrays[0]), epsilon).y, y.values);
  return results(y.info, info);
}

function adaptiveLinearGradients(frame: Frame, { scales, skip, epsilon }: Attributes): TensorInfo[] {
  const { span, own, norm } = adaptiveOf(frame, skip);
  const vectors = frame.values("work");
  const dVectors = frame.scratch(vectors.length);
  const n = modulated(frame, norm(vectors), epsilon);
  const dn = frame.scratch(n.y.length);
  affineGradients(frame, "out", scales, own, frame.values("dy"), () => n.y, dn);
  modulatedGradients(frame, norm(vectors), n, { dy: dn, dx: dn, dVectors });
  const dx = frame.gradient("x");
  if (dx) {
    frame.light.fill(dx, 0);
    putSpan(frame, dn, dx, span);
  }
  affineGradients(
    frame,
    "norm",
    scales,
    span.batch,
    dVectors,
    () => frame.values("condition"),
    frame.gradient("condition"),
  );
  return frame.gradients();
}

/** What comes before and after the blocks of a transformer, each in one kernel. */
export const embeddingLayers = layerKernels<Attributes>({
  EtalonCombinedEmbedding: combinedEmbedding,
  EtalonCombinedEmbeddingGradients: combinedEmbeddingGradients,
  EtalonEmbedTokens: embedTokens,
  EtalonEmbedTokensGradients: embedTokensGradients,
  EtalonAdaptiveLinear: adaptiveLinear,
  EtalonAdaptiveLinearGradients: adaptiveLinearGradients,
});
