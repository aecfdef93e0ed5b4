import type { Binding } from "../binding.ts";
import { numberToWord, wordToNumber } from "./float16.ts";
import { normals } from "./normals.ts";
import { logProbOf, meanAt, notFinite, stepOf, widePolicy } from "./policy.ts";
import { treeSum } from "./treeSum.ts";

/** Draws the next states and their log-probabilities.   docs/math.md §2, §3 */
export const rollout: Binding["rollout"] = (...call) => {
  const [maps, x, cond, uncond, batch, dim, half, seed, step, samples, next, logp] = call;
  const policy = widePolicy(x, cond, uncond, half);
  /** Stores a state. @returns it, as stored */
  const store = (at: number, state: number) => {
    next[at] = next instanceof Float32Array ? state : numberToWord(half, state);
    return next instanceof Float32Array ? next[at] : wordToNumber(half, next[at]);
  };
  const noise = new Float32Array(dim);
  for (let s = 0; s < batch; s++) {
    const map = stepOf(maps, s);
    if (map.std > 0) normals(seed, step, samples[s], 0, dim, noise, 0);
    const squares = treeSum(dim, (i) => {
      const at = s * dim + i;
      const mean = meanAt(policy, map, at);
      if (map.std === 0) return store(at, mean) * 0;
      const residual = store(at, mean + map.std * noise[i]) - mean;
      return residual * residual;
    });
    logp[s] = map.std === 0 ? squares : logProbOf(squares, map.std, dim);
    if (!Number.isFinite(logp[s])) throw notFinite(s);
    if (map.std === 0) logp[s] = 0;
  }
};
