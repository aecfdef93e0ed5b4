import { type Tensor, tf } from "@etalon/engine";

/**
 * Sines and cosines of timesteps, as diffusers computes them: frequencies 10000^(−i/(half − shift)) and angles in float32.
 * @param timesteps  one a sample    @returns float32 [batch, width], sines first unless flipped; an odd width ends in a zero
 */
export function timestepEmbedding(timesteps: ArrayLike<number>, width: number, flipSinToCos: boolean, freqShift: number): Tensor {
  const half = width >> 1;
  const rate = Math.fround(-Math.log(10_000));
  const frequencies = Array.from({ length: half }, (_, i) => Math.fround(Math.exp(Math.fround(Math.fround(rate * i) / (half - freqShift))))); // biome-ignore format: one thought
  const values = new Float32Array(timesteps.length * width);
  for (let row = 0; row < timesteps.length; row++) {
    for (const [i, frequency] of frequencies.entries()) {
      const angle = Math.fround(Math.fround(timesteps[row]) * frequency);
      values[row * width + i] = flipSinToCos ? Math.cos(angle) : Math.sin(angle);
      values[row * width + half + i] = flipSinToCos ? Math.sin(angle) : Math.cos(angle);
    }
  }
  return tf.tensor2d(values, [timesteps.length, width]);
} // biome-ignore format: long lines
