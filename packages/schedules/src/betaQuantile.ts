/**
 * The quantile function of the Beta(a, a) law, for "Beta Sampling is All You Need" (arXiv:2407.12173; a = 0.6).
 * @param p  in [0, 1]    @param a  > 0    @returns x in [0, 1] with I_x(a, a) = p, to 1e-14
 */
export function betaQuantile(p: number, a: number): number {
  if (p <= 0 || p >= 1) return Math.min(1, Math.max(0, p));
  if (p === 0.5) return p;
  if (p > 0.5) return 1 - betaQuantile(1 - p, a); // the law is symmetric, and the digits are near 0
  // In log x the distribution function is smooth down to 0: bisection there keeps relative digits.
  let [low, high] = [Math.log(p) / a - 40, Math.log(0.5)];
  for (let i = 0; i < 200 && high - low > 1e-16 * Math.abs(low); i++) {
    const middle = (low + high) / 2;
    if (incompleteBeta(Math.exp(middle), a) < p) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

/** I_x(a, a) for x ≤ ½, by the power series of the incomplete beta function, scaled so that I_½ = ½. */
function incompleteBeta(x: number, a: number): number {
  return (0.5 * series(x, a)) / series(0.5, a);
}

/** x^a Σ_k (1 − a)_k x^k / (k! (a + k)), which is B(x; a, a). */
function series(x: number, a: number): number {
  let [term, sum] = [1, 0];
  for (let k = 0; k < 500; k++) {
    const part = term / (a + k);
    sum += part;
    if (Math.abs(part) < 1e-18 * Math.abs(sum)) break;
    term *= (x * (k + 1 - a)) / (k + 1);
  }
  return Math.exp(a * Math.log(x)) * sum;
}
