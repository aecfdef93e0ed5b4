import {
  conv2d,
  type LowRank,
  linear,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tf,
  type Variable,
} from "@etalon/engine";
import type { ParameterSpec } from "../nn/layout.ts";
import { Parameters } from "../nn/Parameters.ts";
import { Random } from "../random.ts";
import type { LayerShape } from "./LayerShape.ts";
import { type LoraConfig, targetedLayers } from "./LoraConfig.ts";
import { readAdapter } from "./readAdapter.ts";

/** One adapted layer: rank and alpha may differ from layer to layer, as files have it. */
interface Adapted {
  readonly layer: LayerShape;
  readonly rank: number;
  readonly alpha: number;
}

/**
 * Low-rank adapters of linear layers and convolutions, y + (alpha/rank)·B·A·x (Hu et al., arXiv:2106.09685). B begins as zero, so a new adapter changes nothing. Of a
 * convolution, A is one of the same window with `rank` outputs, and B one of a single pixel, as PEFT has it.
 */
export class LoraAdapter {
  readonly config: LoraConfig;
  readonly parameters = new Parameters();
  readonly #adapted = new Map<string, Adapted>();

  private constructor(config: LoraConfig) {
    this.config = config;
  }

  /** A fresh adapter. @throws EtalonError OUT_OF_RANGE: rank or alpha, or a target that no layer's name ends with */
  static create(layers: readonly LayerShape[], config: LoraConfig, seed = 0): LoraAdapter {
    const { rank, alpha, init = "uniform" } = config;
    const targeted = targetedLayers(layers, config);
    const adapter = new LoraAdapter(config);
    for (const [i, layer] of targeted.entries()) {
      const random = new Random(seed, i);
      const inputs = layer.inputs * (layer.conv ? layer.conv.kernel[0] * layer.conv.kernel[1] : 1);
      const bound = 1 / Math.sqrt(inputs);
      const draw = init === "gaussian" ? () => random.normal() / rank : () => bound * (2 * random.uniform() - 1);
      const a = new Float32Array(rank * inputs).map(draw);
      adapter.#adapt({ layer, rank, alpha }, a, new Float32Array(rank * layer.outputs));
    }
    return adapter;
  }

  /**
   * Reads an adapter that Etalon, diffusers, PEFT or kohya's scripts wrote, for the layers of one part of a pipeline.
   * @param place  the file, or the folder that holds it    @param part  the part's name in a pipeline's file: 'unet', 'text_encoder', 'transformer'
   * @throws EtalonError NOT_FOUND; BAD_FILE: names the file and the first key that does not fit; UNSUPPORTED: DoRA
   */
  static load(layers: readonly LayerShape[], place: string, part = "transformer"): LoraAdapter {
    const { config, halves } = readAdapter(layers, place, part);
    const adapter = new LoraAdapter(config);
    for (const layer of layers) {
      const half = halves.get(layer.name);
      if (half) adapter.#adapt({ layer, rank: half.rank, alpha: half.alpha }, half.a, half.b);
    }
    return adapter;
  }

  /** The trainable parameters by their names in the model. */
  get variables(): ReadonlyMap<string, Variable> {
    return this.parameters.variables;
  }

  /** The layers that it adapts, with their ranks and alphas. */
  get layers(): ReadonlyMap<string, { readonly rank: number; readonly alpha: number }> {
    return this.#adapted;
  }

  has(name: string): boolean {
    return this.#adapted.has(name);
  }

  /** What the adapter adds to a linear layer, `weight` times; undefined where it does not adapt it. */
  lowRank(name: string, weight = 1): LowRank | undefined {
    const adapted = this.#adapted.get(name);
    if (adapted === undefined) return undefined;
    const [down, up] = [this.parameters.get(nameOf(name, "A")), this.parameters.get(nameOf(name, "B"))] as Tensor2D[];
    return { down, up, scale: (weight * adapted.alpha) / adapted.rank };
  }

  /** A layer's output with the adapter's part added, `weight` times; layers without one pass through. */
  apply(name: string, input: Tensor, output: Tensor, weight = 1): Tensor {
    const adapted = this.#adapted.get(name);
    if (adapted === undefined) return output;
    const { layer, rank, alpha } = adapted;
    const [a, b] = [this.parameters.get(nameOf(name, "A")), this.parameters.get(nameOf(name, "B"))];
    const low = isWindow(layer) ? conv2d(input, a as Tensor4D, undefined, layer.conv) : linear(input, a as Tensor2D);
    return output.add(linear(low.mul((weight * alpha) / rank), b as Tensor2D));
  }

  /** What is added to a layer's weight instead, in the layout of memory: (alpha/rank)·B·A. Call within tf.tidy. */
  delta(name: string): Tensor {
    const { layer, rank, alpha } = this.#adapted.get(name) as Adapted;
    const [a, b] = [this.parameters.get(nameOf(name, "A")), this.parameters.get(nameOf(name, "B"))];
    const product = tf.matMul(a.reshape([-1, rank]) as Tensor2D, b as Tensor2D).mul(alpha / rank);
    return isWindow(layer) ? product.reshape([...layer.conv.kernel, layer.inputs, layer.outputs]) : product;
  }

  dispose(): void {
    this.parameters.dispose();
  }

  #adapt(adapted: Adapted, a: Float32Array, b: Float32Array): void {
    for (const [i, spec] of halvesOf(adapted.layer, adapted.rank).entries()) {
      this.parameters.declare(spec);
      this.parameters.set(spec.name, i === 0 ? a : b);
      this.parameters.variable(spec.name).trainable = true;
    }
    this.#adapted.set(adapted.layer.name, adapted);
  }
}

const nameOf = (layer: string, half: "A" | "B") => `${layer}.lora_${half}.weight`;

/** A convolution of more than one pixel, or with steps. */
const isWindow = (layer: LayerShape): layer is LayerShape & { conv: NonNullable<LayerShape["conv"]> } =>
  layer.conv !== undefined && (layer.conv.kernel[0] * layer.conv.kernel[1] > 1 || layer.conv.stride > 1);

/** The two halves of an adapted layer, as the file has them. */
function halvesOf(layer: LayerShape, rank: number): [ParameterSpec, ParameterSpec] {
  const { name, inputs, outputs, conv } = layer;
  const [window, pixel] = conv ? [conv.kernel, [1, 1]] : [[], []];
  return [
    { name: nameOf(name, "A"), shape: [rank, inputs, ...window], layout: isWindow(layer) ? "conv" : "linear" },
    { name: nameOf(name, "B"), shape: [outputs, rank, ...pixel], layout: "linear" },
  ];
}
