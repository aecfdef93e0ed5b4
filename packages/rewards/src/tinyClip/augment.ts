import type { Random } from "@etalon/models";

/**
 * A picture moved by up to `shift` pixels each way (white comes in at the border), half of the time with Gaussian noise of a standard deviation up to `noise`.
 * @param image  [side, side, 3] in [−1, 1]    @param out  written, of the same length; not clamped
 */
export function augment(
  image: Float32Array,
  out: Float32Array,
  side: number,
  random: Random,
  { shift, noise }: { shift: number; noise: number },
): void {
  const [dx, dy] = [random.below(2 * shift + 1) - shift, random.below(2 * shift + 1) - shift];
  out.fill(1);
  for (let y = Math.max(0, dy); y < Math.min(side, side + dy); y++) {
    const [from, to] = [Math.max(0, -dx), Math.min(side, side - dx)];
    const row = (y - dy) * side;
    out.set(image.subarray((row + from) * 3, (row + to) * 3), (y * side + from + dx) * 3);
  }
  const std = random.uniform() < 0.5 ? 0 : random.uniform() * noise;
  if (std > 0) for (let i = 0; i < out.length; i++) out[i] += std * random.normal();
}
