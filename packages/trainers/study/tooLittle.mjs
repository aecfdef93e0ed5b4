/** Standard errors by which a preset must raise its reward: of the pictures in each training, and over trainings where there are several. */
export const wanted = 5;

/**
 * What `--check` finds wrong, a line each; none where every preset has all its trainings and each rise is large enough.
 * @param tables  of `tabulate`    @param presets  names    @param seeds  trainings of each
 */
export function tooLittle(tables, presets, seeds) {
  const rows = tables.find(({ group }) => group === "presets")?.rows ?? [];
  return presets.flatMap((name) => {
    const row = rows.find((one) => one.name === name);
    if (row === undefined || row.seeds < seeds) return [`${name}: ${row?.seeds ?? 0} of ${seeds} trainings are there`];
    const few = row.bySeed.filter(({ errors }) => !(errors >= wanted));
    const lines = few.map(({ seed, rise, errors }) => `${name}, seed ${seed}: a rise of ${rise.toFixed(3)} is ${errors.toFixed(1)} standard errors of its pictures; wanted: ${wanted} or more`); // biome-ignore format: one thought
    const over = row.semOverSeeds === undefined ? wanted : row.rise / row.semOverSeeds;
    if (!(over >= wanted)) lines.push(`${name}: a rise of ${row.rise.toFixed(3)} is ${over.toFixed(1)} standard errors over trainings; wanted: ${wanted} or more`); // biome-ignore format: one thought
    return lines;
  });
}
