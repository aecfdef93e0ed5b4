import { type Recorder, recorder } from "@etalon/native/tensor";
import type { TensorInfo } from "@tensorflow/tfjs";
import type { NativeBackend } from "../NativeBackend.ts";
import { Frame, type LayerInputs } from "./Frame.ts";
import { LayerProgram } from "./LayerProgram.ts";
import type { KernelCall, NativeKernels } from "./NativeKernel.ts";

/**
 * A layer as steps over the arrays of a frame. Which steps, and over which parts of the arrays, may follow from shapes and attributes alone: they are written down, and run
 * again without the function.
 * @returns what the layer gives, tensors that the frame made
 */
export type LayerSteps<Attributes> = (frame: Frame, attributes: Attributes) => TensorInfo[];

/** What is asked of a layer's gradients beside its own attributes: names of tensors. */
interface Wants {
  wants?: readonly string[];
}

/** Programs that a layer keeps, for as many combinations of shapes and attributes; beyond them the oldest is dropped. */
const mostPrograms = 64;

/** Layers as kernels. The first call with some shapes and attributes runs a layer's steps and records them; those after it are one call of the addon each. */
export function layerKernels<Attributes extends object>(layers: Record<string, LayerSteps<Attributes>>): NativeKernels {
  const entries = Object.entries(layers).map(([name, steps]) => {
    const programs: LayerProgram[] = [];
    const kernel = ({ inputs, attrs, backend, heavy }: KernelCall<LayerInputs, Attributes>) => {
      const known = programs.find((program) => program.fits(inputs, attrs));
      if (known !== undefined) return known.run(heavy, backend, inputs);
      const { made, program } = recorded(backend, inputs, attrs, steps);
      if (program !== undefined && programs.push(program) > mostPrograms) programs.shift();
      return made;
    };
    return [name, kernel];
  });
  return Object.fromEntries(entries) as NativeKernels;
}

/** Runs the steps; the memory that they worked in is given back. The program is undefined where it would depend on more than shapes and attributes. */
function recorded<Attributes extends object>(
  backend: NativeBackend,
  inputs: LayerInputs,
  attributes: Attributes & Wants,
  steps: LayerSteps<Attributes>,
) {
  const record = recorder() as Recorder; // the native engine runs
  const frame = new Frame(backend, record, inputs, attributes.wants ?? []);
  try {
    const made = steps(frame, attributes);
    return { made, program: LayerProgram.of(frame, record, inputs, attributes, made) };
  } finally {
    for (const array of frame.workspace) backend.pool.give(array);
  }
}
