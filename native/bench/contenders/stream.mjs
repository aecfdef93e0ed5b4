import { inputs, timed } from "./inputs.mjs";

/**
 * The memory traffic alone: reads by memcmp of equal arrays, writes by memcpy. The step reads two arrays and writes one; the policy gradient reads three arrays twice and
 * writes one. A copy reads what it writes, so each counts a little more than it must.
 */
export function stream() {
  return ({ operation, batch, dim, repeats }) => {
    const { x, o, y } = inputs({ batch, dim });
    const out = new Float32Array(batch * dim);
    const bytes = (array) => Buffer.from(array.buffer);
    const [p, q, r, twin] = [bytes(x), bytes(x.slice()), bytes(y), bytes(y.slice())];
    if (operation === "normal") return { seconds: timed(repeats, (i) => out.fill(i)) };
    if (operation === "step") {
      const seconds = timed(repeats, () => {
        if (Buffer.compare(p, q) !== 0) throw new Error("twins differ");
        out.set(o);
      });
      return { seconds };
    }
    const seconds = timed(repeats, () => {
      for (let pass = 0; pass < 2; pass++) if (Buffer.compare(p, q) !== 0) throw new Error("twins differ"); // two arrays, twice
      if (Buffer.compare(r, twin) !== 0) throw new Error("twins differ"); // the third, twice
      out.set(o);
    });
    return { seconds };
  };
}
