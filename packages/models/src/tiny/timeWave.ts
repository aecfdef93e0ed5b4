import { type Tensor, written } from "@etalon/engine";

/**
 * Times as waves: cosines, then sines, of 1000·t·10000^(−i/half), the angles in float32 (the timesteps' embedding of diffusers, whose timestep is 1000·t here).
 * @param times  one a sample    @param width  even    @returns float32 [samples, width]
 */
export function timeWave(times: ArrayLike<number>, width: number): Tensor {
  const half = width / 2;
  const rates = Float32Array.from({ length: half }, (_, i) => 1000 * 10_000 ** (-i / half));
  return written([times.length, width], (values) => {
    for (let row = 0; row < times.length; row++) {
      if (row > 0 && times[row] === times[row - 1]) {
        values.copyWithin(row * width, (row - 1) * width, row * width); // where a batch is at one time
        continue;
      }
      for (let i = 0; i < half; i++) {
        const angle = Math.fround(times[row] * rates[i]);
        values[row * width + i] = Math.cos(angle);
        values[row * width + half + i] = Math.sin(angle);
      }
    }
  });
}
