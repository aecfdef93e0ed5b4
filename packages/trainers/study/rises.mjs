// How much trainings raised a reward, and how sure that is. A measurement is rows of rewards, one row a prompt, one value a picture, drawn from the same noise before and after a training.

export const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
export const variance = (values) => values.reduce((sum, v) => sum + (v - mean(values)) ** 2, 0) / (values.length - 1);

/** What each picture gained, a row a prompt: the mean over the trainings given. */
export const gains = (trainings, list) =>
  trainings[0].before[list].map((row, p) => row.map((_, i) => mean(trainings.map(({ before, after }) => after[list][p][i] - before[list][p][i])))); // biome-ignore format: one thought

/** Mean over given prompts, as those that were trained on are: the error is that of the pictures within each. */
export const overPictures = (rows) => ({
  mean: mean(rows.map(mean)),
  sem: Math.sqrt(rows.reduce((sum, row) => sum + variance(row) / row.length, 0)) / rows.length,
});

/** Mean over prompts that stand for others: the error is that of the prompts. */
export const overPrompts = (rows) => ({
  mean: mean(rows.map(mean)),
  sem: Math.sqrt(variance(rows.map(mean)) / rows.length),
});

export const minus = (rows, others) => rows.map((row, p) => row.map((v, i) => v - others[p][i]));

/**
 * How far trainings of one config lie apart, seed by seed: the standard deviation, pooled over configs, and its degrees of freedom.
 * Few seeds a config tell little; all configs together tell what one more seed may change.
 * @param values  one row a config, one value a seed    @returns undefined where no config has two seeds
 */
export function spreadOfSeeds(values) {
  const several = values.filter((row) => row.length > 1);
  const freedom = several.reduce((sum, row) => sum + row.length - 1, 0);
  if (freedom === 0) return undefined;
  const squares = several.reduce((sum, row) => sum + (row.length - 1) * variance(row), 0);
  return { sd: Math.sqrt(squares / freedom), freedom };
}
