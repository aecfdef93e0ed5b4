import type { Binding } from "../binding.ts";
import { widened } from "./float16.ts";
import { logProbOf, meanAt, notFinite, stepOf, widePolicy } from "./policy.ts";
import { treeSum } from "./treeSum.ts";

/** Log-probabilities of given next states.   docs/math.md §3 */
export const logProb: Binding["logProb"] = (maps, x, cond, uncond, batch, dim, half, state, logp) => {
  const policy = widePolicy(x, cond, uncond, half);
  const next = widened(state, half);
  for (let s = 0; s < batch; s++) {
    const map = stepOf(maps, s);
    const squares = treeSum(dim, (i) => {
      const residual = next[s * dim + i] - meanAt(policy, map, s * dim + i);
      return residual * residual;
    });
    logp[s] = logProbOf(squares, map.std, dim);
    if (!Number.isFinite(logp[s])) throw notFinite(s);
  }
};
