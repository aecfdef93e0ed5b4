/** ∫_0^1 f(v) dv by sixteen-point Gauss–Legendre quadrature on each of four equal parts. */
export function legendre(f: (v: number) => number): number {
  let sum = 0;
  for (let part = 0; part < 4; part++) {
    for (const [x, w] of rule) sum += (w / 8) * (f((part + (1 + x) / 2) / 4) + f((part + (1 - x) / 2) / 4));
  }
  return sum;
}

/** Positive nodes of [−1, 1] with their weights, by Newton's method on the Legendre polynomial. */
const rule = Array.from({ length: 8 }, (_, i): readonly [number, number] => {
  const n = 16;
  let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
  let slope = 1;
  for (let k = 0; k < 100; k++) {
    let [p, before] = [1, 0];
    for (let j = 1; j <= n; j++) [p, before] = [((2 * j - 1) * x * p - (j - 1) * before) / j, p];
    slope = (n * (x * p - before)) / (x * x - 1);
    const step = p / slope;
    x -= step;
    if (Math.abs(step) < 1e-16) break;
  }
  return [x, 2 / ((1 - x * x) * slope * slope)];
});
