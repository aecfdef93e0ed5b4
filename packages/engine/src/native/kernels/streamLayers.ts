import type { TensorInfo } from "@tensorflow/tfjs";
import type { Activation } from "../../ops/activations.ts";
import { activatedAffine, activationGradient, affine, affineGradients, type Scales } from "./affine.ts";
import { attentionOf } from "./attentionOf.ts";
import { divided, type Frame, results } from "./Frame.ts";
import { layerKernels } from "./layerKernels.ts";
import { type Modulated, modulated, modulatedGradients, partOf, putSpan, type Span, spanOf } from "./streams.ts"; // biome-ignore format: one import

interface Attributes {
  scales: Scales;
  /** Whether what the gradients need is given too. */
  keep: boolean;
  epsilon: number;
  heads: number;
  /** Of the MLP. */
  activation: Activation;
  /** Rows of the context, before those of the image. */
  contextRows: number;
}

const projections = ["q", "k", "v"] as const;

/** x's [batch, rows, d], and the adaptive vectors of a norm. */
function sizesOf(frame: Frame) {
  const [batch, rows, d] = frame.shape("x");
  const vectors = (name: string, scales: Scales, made: Float32Array) => affine(frame, name, scales, batch, frame.values("condition"), made); // biome-ignore format: one thought
  return { batch, rows, d, vectors };
}

/** Attention of all rows to each other; its sizes are those of the layers whose names begin so. */
function ownAttention(frame: Frame, prefix: string, heads: number) {
  const { batch, rows } = sizesOf(frame);
  const [inner, outer] = ["q", "v"].map((name) => frame.shape(`${prefix}${name}.w`)[1]);
  return attentionOf(frame, { batch, rows, sources: rows, inner, outer, heads });
}

/** The two streams of a block, and the parts of what they keep: vectors, attention's branch, the MLP's inner values before and after the activation, its branch. */
function streamsOf(frame: Frame, { contextRows }: Attributes) {
  const [batch, rows, d] = frame.shape("x");
  return (["context", "image"] as const).map((name) => {
    const span: Span = name === "image" ? { batch, rows, first: contextRows, count: rows - contextRows } : { batch, rows, first: 0, count: contextRows }; // biome-ignore format: one thought
    const own = batch * span.count;
    const inner = own * frame.shape(`${name}.up.w`)[1];
    return { name, span, own, lengths: [batch * 6 * d, own * d, inner, inner, own * d] };
  });
}

/** What a stream's two norms are of: x with shift 0, scale 1; the sum after attention with shift 3, scale 4. Gates are parts 2 and 5. */
function normsOf({ batch, count }: Span, d: number, vectors: Float32Array) {
  const norm = (x: Float32Array, first: number): Modulated => ({
    batch,
    rows: count,
    d,
    x,
    shift: partOf(vectors, first, 6, d),
    scale: partOf(vectors, first + 1, 6, d),
  });
  return { before: (x: Float32Array) => norm(x, 0), between: (x: Float32Array) => norm(x, 3) };
}

/** Two streams that attend to each other: x + gate·out(attention), then that + gate·MLP, each with its own weights and adaptive norms. */
function doubleStreamLayer(frame: Frame, attrs: Attributes): TensorInfo[] {
  const { scales, heads, epsilon, activation, keep } = attrs;
  const { batch, rows, d, vectors } = sizesOf(frame);
  const attention = ownAttention(frame, "image.", heads);
  const y = frame.output(frame.shape("x"));
  const streams = streamsOf(frame, attrs);
  const { arrays, info } = frame.parts([...attention.lengths, ...streams.flatMap(({ lengths }) => lengths)], keep);
  const begun = streams.map((stream, i) => {
    const [made, ...kept] = arrays.slice(5 + 5 * i, 10 + 5 * i);
    vectors(`${stream.name}.norm`, scales, made);
    const x = spanOf(frame, frame.values("x"), stream.span);
    const n = modulated(frame, normsOf(stream.span, d, made).before(x), epsilon).y;
    for (const [j, projection] of projections.entries()) {
      const part = frame.scratch((arrays[j].length / (batch * rows)) * stream.own);
      affine(frame, `${stream.name}.${projection}`, scales, stream.own, n, part);
      putSpan(frame, part, arrays[j], stream.span);
    }
    return { ...stream, x, made, kept };
  });
  attention.attend(arrays, keep);
  for (const { name, span, own, x, made, kept } of begun) {
    const [branch, before, after, fed] = kept;
    const sizes = { batch, rows: span.count, d };
    affine(frame, `${name}.out`, scales, own, spanOf(frame, arrays[3], span), branch);
    const sum = frame.scratch(own * d);
    frame.heavy.gatedResidual({ ...sizes, x, y: branch, gate: partOf(made, 2, 6, d), out: sum });
    const n = modulated(frame, normsOf(span, d, made).between(sum), epsilon).y;
    activatedAffine(frame, `${name}.up`, scales, own, n, activation, after, keep ? before : undefined);
    affine(frame, `${name}.down`, scales, own, after, fed);
    frame.heavy.gatedResidual({ ...sizes, x: sum, y: fed, gate: partOf(made, 5, 6, d), out: n });
    putSpan(frame, n, y.values, span);
  }
  return results(y.info, info);
}

function doubleStreamLayerGradients(frame: Frame, attrs: Attributes): TensorInfo[] {
  const { scales, heads, epsilon, activation } = attrs;
  const { batch, rows, d } = sizesOf(frame);
  const attention = ownAttention(frame, "image.", heads);
  const streams = streamsOf(frame, attrs);
  const arrays = divided(frame.values("work"), [...attention.lengths, ...streams.flatMap(({ lengths }) => lengths)]);
  const dSeen = frame.scratch(arrays[3].length);
  const through = streams.map((stream, i) => {
    const { name, span, own } = stream;
    const [made, branch, before, after, fed] = arrays.slice(5 + 5 * i, 10 + 5 * i);
    const [sizes, norms, dMade] = [{ batch, rows: span.count, d }, normsOf(span, d, made), frame.scratch(made.length)];
    const gate = (part: number) => ({ gate: partOf(made, part, 6, d), dGate: partOf(dMade, part, 6, d) });
    const x = spanOf(frame, frame.values("x"), span);
    const dy = spanOf(frame, frame.values("dy"), span);
    const [sum, dFed, dAfter, dn] = [own * d, own * d, after.length, own * d].map((length) => frame.scratch(length));
    frame.heavy.gatedResidual({ ...sizes, x, y: branch, gate: partOf(made, 2, 6, d), out: sum });
    frame.heavy.gatedResidualGradients({ ...sizes, dOut: dy, y: fed, ...gate(5), dy: dFed });
    affineGradients(frame, `${name}.down`, scales, own, dFed, () => after, dAfter);
    const between = modulated(frame, norms.between(sum), epsilon);
    const dBefore = activationGradient(frame, activation, dAfter, before);
    affineGradients(frame, `${name}.up`, scales, own, dBefore, () => between.y, dn);
    const dSum = frame.scratch(own * d);
    modulatedGradients(frame, norms.between(sum), between, { dy: dn, dx: dSum, residual: dy, dVectors: dMade });
    const dBranch = dFed; // its values were used
    frame.heavy.gatedResidualGradients({ ...sizes, dOut: dSum, y: branch, ...gate(2), dy: dBranch });
    const dOwn = frame.scratch((dSeen.length / (batch * rows)) * own);
    affineGradients(frame, `${name}.out`, scales, own, dBranch, () => spanOf(frame, arrays[3], span), dOwn);
    putSpan(frame, dOwn, dSeen, span);
    return { ...stream, x, norm: norms.before(x), dMade, dSum, dn };
  });
  const dProjected = attention.gradients(arrays, dSeen);
  const dx = frame.gradient("x");
  for (const [i, { name, span, own, norm, dMade, dSum, dn }] of through.entries()) {
    const n = modulated(frame, norm, epsilon);
    for (const [j, projection] of projections.entries()) {
      const dPart = spanOf(frame, dProjected[j], span);
      affineGradients(frame, `${name}.${projection}`, scales, own, dPart, () => n.y, dn, j > 0);
    }
    modulatedGradients(frame, norm, n, { dy: dn, dx: dSum, residual: dSum, dVectors: dMade });
    if (dx) putSpan(frame, dSum, dx, span);
    affineGradients(frame, `${name}.norm`, scales, batch, dMade, () => frame.values("condition"), frame.gradient("condition"), i > 0); // biome-ignore format: one thought
  }
  return frame.gradients();
}

/** What a single-stream block keeps: vectors, attention's arrays, the MLP's inner values before and after the activation, its branch. */
function singleOf(frame: Frame, heads: number) {
  const sizes = sizesOf(frame);
  const { batch, rows, d } = sizes;
  const attention = ownAttention(frame, "", heads);
  const all = batch * rows;
  const inner = all * frame.shape("up.w")[1];
  const norm = (vectors: Float32Array): Modulated => ({
    batch,
    rows,
    d,
    x: frame.values("x"),
    shift: partOf(vectors, 0, 3, d),
    scale: partOf(vectors, 1, 3, d),
  });
  return { ...sizes, all, attention, norm, lengths: [...attention.lengths, batch * 3 * d, inner, inner, all * d] };
}

/** x + gate·out([attention, MLP's inner values]), of one adaptive norm. */
function singleStreamLayer(frame: Frame, { scales, heads, epsilon, activation, keep }: Attributes): TensorInfo[] {
  const { batch, rows, d, all, vectors, attention, norm, lengths } = singleOf(frame, heads);
  const y = frame.output(frame.shape("x"));
  const { arrays, info } = frame.parts(lengths, keep);
  const [made, before, after, branch] = arrays.slice(5);
  vectors("norm", scales, made);
  const n = modulated(frame, norm(made), epsilon).y;
  for (const [j, projection] of projections.entries()) affine(frame, projection, scales, all, n, arrays[j]);
  attention.attend(arrays, keep);
  activatedAffine(frame, "up", scales, all, n, activation, after, keep ? before : undefined);
  affine(frame, "out", scales, all, [arrays[3], after], branch);
  frame.heavy.gatedResidual({ batch, rows, d, x: frame.values("x"), y: branch, gate: partOf(made, 2, 3, d), out: y.values }); // biome-ignore format: one thought
  return results(y.info, info);
}

function singleStreamLayerGradients(frame: Frame, { scales, heads, epsilon, activation }: Attributes): TensorInfo[] {
  const { batch, rows, d, all, attention, norm, lengths } = singleOf(frame, heads);
  const arrays = divided(frame.values("work"), lengths);
  const [made, before, after, branch] = arrays.slice(5);
  const [dMade, dBranch, dSeen, dAfter, dn] = [made, branch, arrays[3], after, branch].map(({ length }) => frame.scratch(length)); // biome-ignore format: one thought
  const dy = frame.values("dy");
  frame.heavy.gatedResidualGradients({ batch, rows, d, dOut: dy, y: branch, gate: partOf(made, 2, 3, d), dy: dBranch, dGate: partOf(dMade, 2, 3, d) }); // biome-ignore format: one thought
  affineGradients(frame, "out", scales, all, dBranch, () => [arrays[3], after], [dSeen, dAfter]);
  const dBefore = activationGradient(frame, activation, dAfter, before);
  const n = modulated(frame, norm(made), epsilon);
  affineGradients(frame, "up", scales, all, dBefore, () => n.y, dn);
  for (const [j, dProjected] of attention.gradients(arrays, dSeen).entries()) {
    affineGradients(frame, projections[j], scales, all, dProjected, () => n.y, dn, true);
  }
  modulatedGradients(frame, norm(made), n, { dy: dn, dx: frame.gradient("x"), residual: dy, dVectors: dMade });
  affineGradients(frame, "norm", scales, batch, dMade, () => frame.values("condition"), frame.gradient("condition"));
  return frame.gradients();
}

/** The blocks of a transformer with adaptive norms, each in one kernel. */
export const streamLayers = layerKernels<Attributes>({
  EtalonDoubleStreamLayer: doubleStreamLayer,
  EtalonDoubleStreamLayerGradients: doubleStreamLayerGradients,
  EtalonSingleStreamLayer: singleStreamLayer,
  EtalonSingleStreamLayerGradients: singleStreamLayerGradients,
});
