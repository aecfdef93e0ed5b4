/** The same inputs for every contender: x, o, y of a batch. */
export function inputs({ batch, dim }) {
  const length = batch * dim;
  const fill = (f) => Float32Array.from({ length }, (_, i) => f(i));
  return { x: fill(Math.sin), o: fill(Math.cos), y: fill((i) => Math.sin(2 * i)) };
}

/** Of the step and the objective, in every contender. */
export const map = { a: 0.93, b: -0.21, std: 0.4 };
export const clip = 0.2;
/** log p − log p_old, per element. */
export const ahead = 0.01;

/** Runs `work` `repeats` times after two that are not counted. @returns seconds */
export function timed(repeats, work) {
  const seconds = [];
  for (let i = 0; i < repeats + 2; i++) {
    const start = process.hrtime.bigint();
    work(i);
    seconds.push(Number(process.hrtime.bigint() - start) / 1e9);
  }
  return seconds.slice(2);
}

const mean = (values, f = (v) => v) => values.reduce((sum, v) => sum + f(v), 0) / values.length;
export const told = {
  normal: (z) => [mean(z), mean(z, (v) => v * v)],
  step: (next, logp, dim) => [mean(next), mean(logp) / dim],
  policyGradient: (loss, gradient) => [mean(loss), gradient.reduce((sum, v) => sum + Math.abs(v), 0)],
};
