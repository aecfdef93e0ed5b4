import { totalmem } from "node:os";
import { type HeavyKernels, heavyKernels, type LightKernels, lightKernels } from "@etalon/native/tensor";
import type { KernelFunc, TensorInfo } from "@tensorflow/tfjs";
import { asOutOfMemory } from "../outOfMemory.ts";
import { tf } from "../tf.ts";
import { activationKernels } from "./kernels/activations.ts";
import { attentionKernels } from "./kernels/attention.ts";
import { convolution } from "./kernels/convolution.ts";
import { elementwise } from "./kernels/elementwise.ts";
import { embeddingLayers } from "./kernels/embeddingLayers.ts";
import { indexing } from "./kernels/indexing.ts";
import { linearKernels } from "./kernels/linear.ts";
import { matMul } from "./kernels/matMul.ts";
import { movement } from "./kernels/movement.ts";
import type { NativeKernel, NativeKernels } from "./kernels/NativeKernel.ts";
import { normKernels } from "./kernels/norms.ts";
import { otherNorms } from "./kernels/otherNorms.ts";
import { reduction } from "./kernels/reduction.ts";
import { resizing } from "./kernels/resizing.ts";
import { resnetLayers } from "./kernels/resnetLayer.ts";
import { ropeKernels } from "./kernels/rope.ts";
import { streamLayers } from "./kernels/streamLayers.ts";
import { transformerLayers } from "./kernels/transformerLayers.ts";
import { NativeBackend } from "./NativeBackend.ts";

/** The backend's name in TensorFlow.js. */
export const nativeBackendName = "etalon";

/** Tables of native kernels; a new one is a file more in kernels/. */
const tables: NativeKernels[] = [elementwise, movement, reduction, indexing, activationKernels];
/** Those that need a kernel which an older addon may lack. */
const laterTables: [keyof HeavyKernels | keyof LightKernels, NativeKernels][] = [
  ["gemm", matMul],
  ["linearGradients", linearKernels],
  ["attentionGradients", attentionKernels],
  ["layerNormGradients", normKernels],
  ["conv2d", convolution],
  ["groupNormGradients", otherNorms],
  ["rope", ropeKernels],
  ["geglu", transformerLayers],
  ["layerNormGradients", streamLayers],
  ["layerNormGradients", embeddingLayers],
  ["groupNormGradients", resnetLayers],
  ["resize", resizing],
];

/**
 * Registers the backend `etalon` and its kernels with TensorFlow.js, once: all of tfjs's JavaScript kernels, and before them the native ones.
 * @returns what is missing, in words; undefined: nothing
 */
export function registerNative(): string | undefined {
  const light = lightKernels();
  if (light === undefined) return "the native addon is not built here, and no prebuilt one fits";
  const heavy = heavyKernels();
  if (heavy === undefined) return "this addon has no matrix kernels";
  if (tf.findBackend(nativeBackendName)) return undefined;
  try {
    light.release(light.allocate(64));
  } catch (error) {
    return `this runtime gives the addon no array buffers: ${error instanceof Error ? error.message : error}`;
  }
  const there = laterTables.flatMap(([needs, table]) => (needs in heavy || needs in light ? [table] : []));
  const native = new Map([...tables, ...there].flatMap((table) => Object.entries(table) as [string, NativeKernel][]));
  const backend = new NativeBackend(light, heavy, native, memoryLimits());
  tf.registerBackend(nativeBackendName, () => backend);
  const left = new Set(native.keys());
  for (const { kernelName, kernelFunc, setupFunc, disposeFunc } of tf.getKernelsForBackend("cpu")) {
    const both = served(kernelName, left.delete(kernelName), kernelFunc);
    tf.registerKernel({ kernelName, backendName: nativeBackendName, kernelFunc: both, setupFunc, disposeFunc });
  }
  for (const kernelName of left) {
    tf.registerKernel({ kernelName, backendName: nativeBackendName, kernelFunc: served(kernelName, true) });
  }
  return undefined;
}

/** The native kernel, and tfjs's own for what it does not serve. */
function served(name: string, native: boolean, fallback?: KernelFunc): KernelFunc {
  const own: KernelFunc | undefined = fallback && ((call) => inJavaScript(name, fallback, call));
  if (!native) return own as KernelFunc;
  return (call) => {
    const result = (call.backend as NativeBackend).run(name, call.inputs, call.attrs as object);
    return result ?? (own?.(call) as TensorInfo | TensorInfo[]);
  };
}

/** @throws EtalonError UNSUPPORTED: it wants an array that is too large; BAD_TYPE: a tensor was disposed */
function inJavaScript(name: string, kernel: KernelFunc, call: Parameters<KernelFunc>[0]) {
  try {
    return (call.backend as NativeBackend).pool.holding(() => kernel(call));
  } catch (error) {
    throw asOutOfMemory(error, name);
  }
}

/** Three quarters of the memory that this process may have, and of that a quarter for memory that waits to be used again. */
function memoryLimits() {
  const constrained = process.constrainedMemory?.() ?? 0;
  const most = 0.75 * (constrained > 0 && constrained < totalmem() ? constrained : totalmem());
  return { most, mostFree: most / 4 };
}
