import { type AdamW, clipFactor, type Tensor, type Tensor2D, tf, variableGradients } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import type { TinyClip } from "./TinyClip.ts";

/** What an update of contrastive training gave. */
interface ContrastiveResult {
  loss: number;
  /** Share of the batch's captions whose own picture came first. */
  accuracy: number;
}

/**
 * One update of the symmetric InfoNCE loss of CLIP (arXiv:2103.00020, figure 3): picture i belongs to caption i and to no other of the batch. Gradients are clipped
 * to norm 1.
 * @param images  [captions, side, side, 3]    @throws EtalonError NOT_FINITE: the loss is NaN or infinite; nothing is updated
 */
export function contrastiveStep(
  model: TinyClip,
  optimiser: AdamW,
  images: Float32Array,
  captions: readonly string[],
  learningRate: number,
): ContrastiveResult {
  let accuracy = 0;
  const { value, gradients } = tf.tidy(() => {
    const [patches, bags] = [model.toPatches(images, captions.length), model.toBags(captions)];
    return variableGradients(() => {
      const pictures = model.embedImages(patches);
      const texts = model.embedTexts(bags);
      const logits = tf.matMul(pictures, texts.transpose()).mul(model.logitScale()) as Tensor2D;
      accuracy = shareOfFirst(logits.transpose());
      return loss(logits).add(loss(logits.transpose())).div(2).asScalar();
    }, model.parameters.variables);
  });
  const result = { loss: value.dataSync()[0], accuracy };
  value.dispose();
  try {
    if (!Number.isFinite(result.loss)) {
      const hint = "Lower the learning rate.";
      throw new EtalonError("NOT_FINITE", { argument: "loss", value: result.loss, allowed: "a finite number", hint });
    }
    optimiser.step(gradients, learningRate, clipFactor(gradients, 1).factor);
  } finally {
    tf.dispose(gradients);
  }
  return result;
}

/** Cross entropy of each row against its diagonal. */
function loss(logits: Tensor2D): Tensor {
  const n = logits.shape[0];
  return tf.logSoftmax(logits).mul(tf.eye(n)).sum().div(-n);
}

function shareOfFirst(logits: Tensor): number {
  const first = logits.argMax(-1).dataSync();
  return first.filter((column, row) => column === row).length / first.length;
}
