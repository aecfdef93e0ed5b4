import type { TensorInfo } from "@tensorflow/tfjs";
import { applyBinary, applyUnary } from "./elementwise.ts";
import type { KernelCall, NativeKernels } from "./NativeKernel.ts";

const forward =
  (name: string) =>
  ({ inputs: { x }, backend }: KernelCall<{ x: TensorInfo }, unknown>) =>
    applyUnary(backend, name, x);
const gradient =
  (name: string) =>
  ({ inputs: { dy, x }, backend }: KernelCall<{ dy: TensorInfo; x: TensorInfo }, unknown>) =>
    applyBinary(backend, name, dy, x);

/** Activations that tfjs has no kernel for. */
export const activationKernels = {
  EtalonSilu: forward("silu"),
  EtalonSiluGradient: gradient("siluGrad"),
  EtalonGelu: forward("gelu"),
  EtalonGeluGradient: gradient("geluGrad"),
  EtalonGeluErf: forward("geluErf"),
  EtalonGeluErfGradient: gradient("geluErfGrad"),
} as NativeKernels;
