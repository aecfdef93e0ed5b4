// Whether updates of trainings that are independent have a direction in common.

/**
 * |mean d|² · K ⁄ mean |d|² of K displacements from the same weights: 1 where nothing is common to them, K where they are the same. Its error is what it has if each came with either sign alike.
 * @param displacements  Float32Arrays of one length, two or more    @returns { ratio, sem, cosine: the mean of the pairs' }
 */
export function direction(displacements) {
  const count = displacements.length;
  const squares = displacements.map((d) => inner(d, d));
  const all = squares.reduce((a, b) => a + b);
  let [sum, variance, cosines] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) {
      const product = inner(displacements[i], displacements[j]);
      sum += 2 * product;
      variance += 4 * product ** 2;
      cosines += product / Math.sqrt(squares[i] * squares[j]);
    }
  }
  return {
    ratio: 1 + sum / all,
    sem: Math.sqrt(variance) / all,
    cosine: cosines / ((count * (count - 1)) / 2),
  };
}

/** All values of some variables, in their order. */
export function flattened(variables) {
  const parts = variables.map((variable) => variable.dataSync());
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function inner(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
