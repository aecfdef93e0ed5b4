/** What a denoiser gives for a batch: the model's output in the path's prediction, or both passes of classifier-free guidance. */
export type ModelOutput = Float32Array | { cond: Float32Array; uncond: Float32Array };

/** A model as a sampler sees it: float32 [samples, ...shape] and the time in, its output of the same size back. `index` is the plan's step. */
export type Denoiser = (x: Float32Array, t: number, index: number) => ModelOutput | Promise<ModelOutput>;

/** One pass of a model: without or with its condition. */
export type Pass = (x: Float32Array, t: number, index: number) => Float32Array | Promise<Float32Array>;

/** A tensor of any library, as much of it as is used: TensorFlow.js' fit. `data` copies the values out, `dispose` frees the tensor. */
export interface TensorLike {
  data(): Promise<ArrayLike<number>>;
  dispose?(): void;
}

/** A denoiser over tensors: [samples, ...shape] and the time in, a tensor of the same size back, or both passes. What it gives is read and then disposed of, as is x. */
export type TensorDenoiser<T extends TensorLike> = (
  x: T,
  t: number,
  index: number,
) => T | { cond: T; uncond: T } | Promise<T | { cond: T; uncond: T }>;
