import { ahead, clip, inputs, map, timed, told } from "./inputs.mjs";

/** The addon's own functions, outputs passed in. */
export function etalon(binding) {
  return ({ operation, batch, dim, threads, repeats }) => {
    binding.setThreads(threads);
    const { x, o, y } = inputs({ batch, dim });
    const samples = Uint32Array.from({ length: batch }, (_, i) => i);
    const maps = Float64Array.of(map.a, map.b, map.std, 1);
    const policy = [maps, x, o, null, batch, dim, 0];
    const out = new Float32Array(batch * dim);
    const numbers = () => new Float64Array(batch);
    const logp = numbers();
    if (operation === "normal") {
      const seconds = timed(repeats, (i) => binding.normal(1n, i, samples, dim, out));
      return { seconds, check: told.normal(out) };
    }
    if (operation === "step") {
      const seconds = timed(repeats, (i) => binding.rollout(...policy, 1n, i, samples, out, logp));
      return { seconds, check: told.step(out, logp, dim) };
    }
    binding.logProb(...policy, y, logp);
    const oldLogp = logp.map((p) => p - ahead * dim);
    const advantage = numbers().fill(1);
    const [loss, ratio, clipped, kl] = [numbers(), numbers(), numbers(), numbers()];
    const call = [...policy, y, oldLogp, advantage, clip, true, 0, null, null, loss, ratio, clipped, kl, out, null];
    const seconds = timed(repeats, () => binding.policyGradient(...call));
    return { seconds, check: told.policyGradient(loss, out) };
  };
}
