import { logProb, policyGradient, rollout, rolloutAsync } from "../dist/index.js";

/** What a call costs that does next to nothing: 64 elements, one sample, outputs passed in. @returns microseconds a call, the best of many runs */
export async function overheads(binding) {
  const dim = 64;
  const [x, cond, out] = [new Float32Array(dim).fill(1), new Float32Array(dim).fill(0.5), new Float32Array(dim)];
  const map = { a: 0.9, b: -0.2, std: 0.3 };
  const key = { seed: 42n, step: 1, samples: Uint32Array.of(3) };
  const logp = new Float64Array(1);
  const maps = Float64Array.of(0.9, -0.2, 0.3, 1);
  const policy = [maps, x, cond, null, 1, dim, 0];
  const [oldLogp, advantage, clip, reduction] = [new Float64Array(1), new Float64Array(1), 0.2, "mean"];
  rollout({ x, cond, map, key, dim, out, logp });
  const room = policyGradient({ next: out, x, cond, map, dim, oldLogp, advantage, clip, reduction });
  const best = (work) => {
    let least = Infinity;
    for (let run = 0; run < 300; run++) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < 500; i++) work();
      least = Math.min(least, Number(process.hrtime.bigint() - start) / 500);
    }
    return least / 1000;
  };
  const big = new Float32Array(1 << 16);
  let least = Infinity;
  for (let i = 0; i < 200; i++) {
    const start = process.hrtime.bigint();
    await rolloutAsync({ x: big, cond: big, map, key, dim: 1 << 16, out: big.slice(), logp });
    least = Math.min(least, Number(process.hrtime.bigint() - start) / 1000);
  }
  return {
    "rollout, raw": best(() => binding.rollout(...policy, 42n, 1, key.samples, out, logp)),
    rollout: best(() => rollout({ x, cond, map, key, dim, out, logp })),
    logProb: best(() => logProb({ next: out, x, cond, map, dim, out: logp })),
    policyGradient: best(() =>
      policyGradient({ next: out, x, cond, map, dim, oldLogp: logp, advantage, clip, reduction, out: room }),
    ),
    "rolloutAsync of 65,536 elements, its work included": least,
  };
}
