import type { Binding } from "../binding.ts";
import { normals } from "./normals.ts";
import { logProbOf, meanAt, notFinite, stepOf } from "./policy.ts";
import { treeSum } from "./treeSum.ts";

/** Draws the next states and their log-probabilities.   docs/math.md §2, §3 */
export const rollout: Binding["rollout"] = (maps, seed, step, samples, policy, next, logp) => {
  const { batch, dim } = policy;
  const noise = new Float32Array(dim);
  for (let s = 0; s < batch; s++) {
    const map = stepOf(maps, s);
    if (map.std > 0) normals(seed, step, samples[s], 0, dim, noise, 0);
    const squares = treeSum(dim, (i) => {
      const at = s * dim + i;
      const mean = meanAt(policy, map, at);
      if (map.std === 0) {
        next[at] = mean;
        return next[at] * 0;
      }
      next[at] = mean + map.std * noise[i];
      const residual = next[at] - mean;
      return residual * residual;
    });
    logp[s] = map.std === 0 ? squares : logProbOf(squares, map.std, dim);
    if (!Number.isFinite(logp[s])) throw notFinite(s);
    if (map.std === 0) logp[s] = 0;
  }
};
