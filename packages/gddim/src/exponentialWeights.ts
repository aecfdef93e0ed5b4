/**
 * Weights w_i for ∫_0^1 z e^{−z(1−v)} f(v) dv ≈ Σ w_i f(nodes_i), exact for polynomials of degree below their number: what an exponential integrator
 * makes of the values that it knows. z > 0 for x̂0 (the state forgets), z < 0 for ε̂.   docs/math.md §2
 * @param nodes  distinct: 0 is the present, negative the past, 1 the step's end
 */
export function exponentialWeights(z: number, nodes: readonly number[]): number[] {
  const moments = nodes.map((_, j) => moment(z, j));
  return nodes.map((node, i) => dot(lagrange(node, i, nodes), moments));
}

/** Weights for ∫_from^to f(u) du ≈ Σ w_i f(nodes_i), exact for polynomials of degree below their number. */
export function polynomialWeights(from: number, to: number, nodes: readonly number[]): number[] {
  const width = to - from;
  const moments = nodes.map((_, j) => width / (j + 1));
  const unit = nodes.map((node) => (node - from) / width);
  return unit.map((node, i) => dot(lagrange(node, i, unit), moments));
}

/** The polynomial that is 1 at its node and 0 at the others, by rising powers. */
export function lagrange(node: number, i: number, nodes: readonly number[]): number[] {
  let coefficients = [1];
  nodes.forEach((other, k) => {
    if (k === i) return;
    const next = Array.from({ length: coefficients.length + 1 }, () => 0);
    coefficients.forEach((c, j) => {
      next[j + 1] += c / (node - other);
      next[j] -= (c * other) / (node - other);
    });
    coefficients = next;
  });
  return coefficients;
}

const dot = (x: readonly number[], y: readonly number[]): number => x.reduce((sum, v, j) => sum + v * y[j], 0);

/** ∫_0^1 z e^{−z(1−v)} v^j dv: 1 − e^{−z} for j = 0, then 1 − (j/z)·(the one before); near 0, where that loses digits, by its series. */
function moment(z: number, j: number): number {
  if (Math.abs(z) < 2) {
    let term = z;
    for (let k = 2; k <= j + 1; k++) term *= (k - 1) / k; // z·j!/(j + 1)!
    let sum = term;
    for (let m = 1; m < 60 && Math.abs(term) > 1e-18 * Math.abs(sum); m++) {
      term *= -z / (j + m + 1);
      sum += term;
    }
    return sum;
  }
  let value = -Math.expm1(-z);
  for (let k = 1; k <= j; k++) value = 1 - (k / z) * value;
  return value;
}
