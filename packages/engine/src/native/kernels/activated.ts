import type { Activation } from "@etalon/native/tensor";
import type { TensorInfo } from "@tensorflow/tfjs";
import type { NativeBackend } from "../NativeBackend.ts";
import { applyBinary, applyUnary } from "./elementwise.ts";

/** tfjs's fused activations that the addon's products apply themselves, and those that come after. */
const within: Record<string, Activation> = { linear: "none", relu: "relu" };
const after: Record<string, string> = { relu6: "relu6", elu: "elu", sigmoid: "sigmoid", leakyrelu: "leakyRelu" };

/** The activation of a product; undefined: `activated` applies it. */
export const isInGemm = (activation: string): Activation | undefined => within[activation];

/** Whether native kernels have tfjs's fused activation of that name. */
export const isActivation = (name: string): boolean => name in within || name in after || name === "prelu";

/** What is left of an activation after the product, of a tensor that is given up for the result. */
export function activated(
  backend: NativeBackend,
  x: TensorInfo,
  activation: string,
  slope?: number,
  weights?: TensorInfo,
): TensorInfo {
  if (activation in within) return x;
  const y =
    activation === "prelu"
      ? applyBinary(backend, "prelu", x, weights as TensorInfo)
      : applyUnary(backend, after[activation], x, x.dtype, slope);
  backend.disposeIntermediateTensorInfo(x);
  return y as TensorInfo;
}
