import type { HeavyKernels } from "@etalon/native/tensor";
import type { TensorInfo } from "@tensorflow/tfjs";
import type { NativeBackend } from "../NativeBackend.ts";

/** What TensorFlow.js hands to a kernel. */
export interface KernelCall<Inputs, Attributes> {
  inputs: Inputs;
  attrs: Attributes;
  backend: NativeBackend;
  /** The addon's heavy kernels. */
  heavy: HeavyKernels;
}

/** A native kernel; undefined says that it does not serve these dtypes or ranks, and the JavaScript kernel does. Shapes were checked by tfjs's own operation. */
export type NativeKernel<Inputs = Record<string, TensorInfo>, Attributes = Record<string, unknown>> = (
  call: KernelCall<Inputs, Attributes>,
) => TensorInfo | TensorInfo[] | undefined;

/** Kernels by tfjs's names. */
export type NativeKernels = Record<string, NativeKernel<never, never>>;
