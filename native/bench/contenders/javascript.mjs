import { ahead, clip, inputs, map, timed, told } from "./inputs.mjs";

const { a, b, std } = map;
const constant = Math.log(std * Math.sqrt(2 * Math.PI));

/** Loops as anyone would write them, with Math.random and Box–Muller. */
export function javascript() {
  return ({ operation, batch, dim, repeats }) => {
    const { x, o, y } = inputs({ batch, dim });
    const out = new Float32Array(batch * dim);
    const logp = new Float64Array(batch);
    if (operation === "normal") {
      const seconds = timed(repeats, () => {
        for (let i = 0; i < out.length; i += 2) pair(out, i);
      });
      return { seconds, check: told.normal(out) };
    }
    if (operation === "step") {
      const seconds = timed(repeats, () => {
        for (let i = 0; i < out.length; i += 2) pair(out, i);
        for (let s = 0; s < batch; s++) {
          let squares = 0;
          for (let i = s * dim; i < (s + 1) * dim; i++) {
            squares += out[i] * out[i];
            out[i] = a * x[i] + b * o[i] + std * out[i];
          }
          logp[s] = -0.5 * squares - dim * constant;
        }
      });
      return { seconds, check: told.step(out, logp, dim) };
    }
    const density = (s) => {
      let squares = 0;
      for (let i = s * dim; i < (s + 1) * dim; i++) squares += ((y[i] - a * x[i] - b * o[i]) / std) ** 2;
      return (-0.5 * squares) / dim - constant;
    };
    const old = Float64Array.from(logp, (_, s) => density(s) - ahead);
    const loss = new Float64Array(batch);
    const seconds = timed(repeats, () => {
      for (let s = 0; s < batch; s++) {
        const ratio = Math.exp(density(s) - old[s]);
        loss[s] = Math.max(-ratio, -Math.min(Math.max(ratio, 1 - clip), 1 + clip));
        const factor = (-ratio * b) / (std * std * dim);
        for (let i = s * dim; i < (s + 1) * dim; i++) out[i] = (y[i] - a * x[i] - b * o[i]) * factor;
      }
    });
    return { seconds, check: told.policyGradient(loss, out) };
  };
}

function pair(out, i) {
  const r = Math.sqrt(-2 * Math.log(1 - Math.random()));
  const angle = 2 * Math.PI * Math.random();
  out[i] = r * Math.cos(angle);
  out[i + 1] = r * Math.sin(angle);
}
