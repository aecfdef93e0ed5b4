/** Standard errors by which a preset must raise its reward: of the pictures in each training, and over trainings where there are several. */
export const wanted = 5;

/**
 * What `--check` finds wrong, a line each; none where every preset has all its trainings and each rise is large enough.
 * @param tables  of `tabulate`    @param presets  names    @param seeds  trainings of each
 * @param learned  of `learned`: presets that it has are held to what their reward brought as well
 */
export function tooLittle(tables, presets, seeds, learned = []) {
  const rows = tables.find(({ group }) => group === "presets")?.rows ?? [];
  const rises = presets.flatMap((name) => {
    const row = rows.find((one) => one.name === name);
    if (row === undefined || row.seeds < seeds) return [`${name}: ${row?.seeds ?? 0} of ${seeds} trainings are there`];
    const few = row.bySeed.filter(({ errors }) => !(errors >= wanted));
    const lines = few.map(({ seed, rise, errors }) => `${name}, seed ${seed}: a rise of ${rise.toFixed(3)} is ${errors.toFixed(1)} standard errors of its pictures; wanted: ${wanted} or more`); // biome-ignore format: one thought
    const over = row.semOverSeeds === undefined ? wanted : row.rise / row.semOverSeeds;
    if (!(over >= wanted)) lines.push(`${name}: a rise of ${row.rise.toFixed(3)} is ${over.toFixed(1)} standard errors over trainings; wanted: ${wanted} or more`); // biome-ignore format: one thought
    return lines;
  });
  const few = learned.filter(({ mean, semOverSeeds: sem }) => sem !== undefined && !(mean >= wanted * sem));
  const walks = few.map(({ name, mean, semOverSeeds: sem }) => `${name}: ${mean.toFixed(3)} more than with a reward that looks at no image is ${(mean / sem).toFixed(1)} standard errors over trainings; wanted: ${wanted} or more`); // biome-ignore format: one thought
  return [...rises, ...walks];
}
