import { ahead, clip, inputs, map, timed, told } from "./inputs.mjs";

/** The addon's own functions, outputs passed in. */
export function etalon(binding) {
  return ({ operation, batch, dim, threads, repeats }) => {
    binding.setThreads(threads);
    const { x, o, y } = inputs({ batch, dim });
    const samples = Uint32Array.from({ length: batch }, (_, i) => i);
    const maps = Float64Array.of(map.a, map.b, map.std, 1);
    const policy = { x, cond: o, uncond: null, batch, dim, half: 0 };
    const out = new Float32Array(batch * dim);
    const numbers = () => new Float64Array(batch);
    const logp = numbers();
    if (operation === "normal") {
      const seconds = timed(repeats, (i) => binding.normal(1n, i, samples, dim, out));
      return { seconds, check: told.normal(out) };
    }
    if (operation === "step") {
      const seconds = timed(repeats, (i) => binding.rollout(maps, 1n, i, samples, policy, out, logp));
      return { seconds, check: told.step(out, logp, dim) };
    }
    binding.logProb(maps, policy, y, logp);
    const oldLogp = logp.map((p) => p - ahead * dim);
    const advantage = numbers().fill(1);
    const objective = {
      next: y,
      oldLogp,
      advantage,
      clip,
      mean: true,
      klWeight: 0,
      referenceCond: null,
      referenceUncond: null,
    };
    const outcome = {
      loss: numbers(),
      ratio: numbers(),
      clipped: numbers(),
      kl: numbers(),
      gradCond: out,
      gradUncond: null,
    };
    const seconds = timed(repeats, () => binding.policyGradient(maps, policy, objective, outcome));
    return { seconds, check: told.policyGradient(outcome.loss, out) };
  };
}
