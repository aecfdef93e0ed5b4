import { type Activation, type AffineNorm, activate, type ConvTensors, conv2d, embedding, groupNorm, isTaped, type LinearLayer, layerNorm, linear, linearLayer, recomputed, type Tensor, type Tensor2D, type Tensor4D, type Variable } from "@etalon/engine"; // biome-ignore format: one import
import type { AdapterSet } from "../lora/AdapterSet.ts";
import type { LayerShape } from "../lora/LayerShape.ts";
import { Parameters } from "./Parameters.ts";

/** A layer: its parameters are the net's. */
export type Layer = (x: Tensor) => Tensor;
/** A linear layer, whose tensors an operation of several layers can take. */
type Linear = ((x: Tensor, activation?: Activation) => Tensor) & { tensors(): LinearLayer };
/** A convolution; its tensors are undefined where an adapter is on it. */
type Conv = Layer & { tensors(): ConvTensors | undefined };
type Norm = Layer & { tensors(): AffineNorm };

/** How a convolution moves over pixels. */
interface ConvOptions {
  stride?: number;
  pad?: readonly [number, number, number, number];
  bias?: boolean;
}

/**
 * The layers of a model, made once from its config: each declares its parameters under their names in the file and gives the function that runs it. So names, shapes and the
 * computation stand in one place. Everything is float32, channels last.
 */
export class Net {
  readonly parameters = new Parameters();
  /** The layers that an adapter can be put on. */
  readonly layers: LayerShape[] = [];
  /** The adapters that run with the model. */
  adapters: AdapterSet | undefined;
  /** Whether blocks keep only their inputs for the gradient, and run again for it: less memory, a third more time. */
  checkpointing = true;

  /** y = x·W + b over the last axis. @param pixel  stored as a convolution of one pixel */
  linear(name: string, inputs: number, outputs: number, { bias = true, pixel = false } = {}): Linear {
    const shape = pixel ? [outputs, inputs, 1, 1] : [outputs, inputs];
    this.parameters.declare({ name: `${name}.weight`, shape, layout: "linear" });
    if (bias) this.parameters.declare({ name: `${name}.bias`, shape: [outputs], layout: "plain" });
    const layer: LayerShape = { name, inputs, outputs, ...(pixel && { conv: { kernel: [1, 1], stride: 1, pad: [0, 0, 0, 0] } }) };
    this.layers.push(layer);
    const tensors = (): LinearLayer => ({
      w: this.#get(`${name}.weight`) as Tensor2D,
      b: bias ? this.#get(`${name}.bias`) : undefined,
      adapters: this.adapters?.lowRanks(name) ?? [],
    });
    const run = (x: Tensor, activation?: Activation) => {
      const found = tensors();
      if (!found.adapters?.length) return linear(x, found.w, found.b, activation);
      const y = linearLayer(x, found);
      return activation === undefined ? y : activate(y, activation);
    };
    return Object.assign(run, { tensors });
  } // biome-ignore format: long lines

  /** A convolution; of one pixel it is a linear layer. @param pad  by default as much as keeps the size at stride 1 */
  conv(name: string, inputs: number, outputs: number, kernel: number, options: ConvOptions = {}): Layer {
    const { stride = 1, pad, bias = true } = options;
    if (kernel === 1 && stride === 1 && (pad ?? []).every((extent) => extent === 0)) return this.linear(name, inputs, outputs, { bias, pixel: true }); // biome-ignore format: one thought
    return this.window(name, inputs, outputs, kernel, options);
  }

  /** A convolution, also of one pixel. @param pad  by default as much as keeps the size at stride 1 */
  window(name: string, inputs: number, outputs: number, kernel: number, options: ConvOptions = {}): Conv {
    const around = (kernel - 1) >> 1;
    const { stride = 1, pad = [around, around, around, around], bias = true } = options;
    this.parameters.declare({ name: `${name}.weight`, shape: [outputs, inputs, kernel, kernel], layout: "conv" });
    if (bias) this.parameters.declare({ name: `${name}.bias`, shape: [outputs], layout: "plain" });
    const layer: LayerShape = { name, inputs, outputs, conv: { kernel: [kernel, kernel], stride, pad } };
    this.layers.push(layer);
    const own = (): ConvTensors => ({ filter: this.#get(`${name}.weight`) as Tensor4D, bias: bias ? this.#get(`${name}.bias`) : undefined }); // biome-ignore format: one thought
    const run = (x: Tensor) => {
      const found = own();
      const y = conv2d(x, found.filter, found.bias, { stride, pad });
      return this.adapters?.has(name) ? this.adapters.apply(layer, x, y) : y;
    };
    return Object.assign(run, { tensors: () => (this.adapters?.has(name) ? undefined : own()) });
  }

  /** Group normalisation with its gain and bias, then SiLU where asked for. */
  groupNorm(name: string, channels: number, groups: number, epsilon: number, silu = false): Norm {
    const tensors = this.#affine(name, channels, epsilon);
    return Object.assign((x: Tensor) => groupNorm(x, groups, { ...tensors(), silu }), { tensors });
  }

  /** Layer normalisation over the last axis with its gain and bias. */
  layerNorm(name: string, width: number, epsilon = 1e-5): Norm {
    const tensors = this.#affine(name, width, epsilon);
    return Object.assign((x: Tensor) => layerNorm(x, epsilon, tensors()), { tensors });
  }

  /** Rows of a table by their numbers, int32. */
  table(name: string, rows: number, width: number): (ids: Int32Array) => Tensor2D {
    this.parameters.declare({ name: `${name}.weight`, shape: [rows, width], layout: "plain" });
    return (ids) => embedding(ids, this.#get(`${name}.weight`) as Tensor2D);
  }

  /** A part of the model whose inner values are freed as soon as it has run; with `checkpointing` they are not kept for the gradient either. @param names  where its parameters' names begin */
  block<Inputs extends Tensor[]>(
    names: readonly string[],
    run: (...inputs: Inputs) => Tensor,
  ): (...inputs: Inputs) => Tensor {
    const free = (...inputs: Tensor[]) => run(...(inputs as Inputs));
    return (...inputs) => {
      if (!this.checkpointing && isTaped()) return run(...inputs);
      return recomputed(free, inputs, isTaped() ? this.#trained(names) : []);
    };
  }

  dispose(): void {
    this.adapters?.dispose();
    this.parameters.dispose();
  }

  #get(name: string): Tensor {
    return this.parameters.get(name);
  }

  #affine(name: string, width: number, epsilon: number): () => Required<AffineNorm> {
    for (const part of ["weight", "bias"]) {
      this.parameters.declare({ name: `${name}.${part}`, shape: [width], layout: "plain" });
    }
    return () => ({ gain: this.#get(`${name}.weight`), bias: this.#get(`${name}.bias`), epsilon });
  }

  /** The variables below some names that are trained. */
  #trained(names: readonly string[]): Variable[] {
    const own = [...this.parameters.variables, ...(this.adapters?.variables ?? [])];
    const inside = (name: string) => names.some((prefix) => name.startsWith(`${prefix}.`));
    return own.flatMap(([name, variable]) => (variable.trainable && inside(name) ? [variable] : []));
  }
}
