// The study's tables. A rise has three errors, for three questions: of the pictures (did these trainings raise the reward of these prompts?), of the trainings (would other
// seeds?), and of the prompts, as if they stood for others. The prompts are the whole list that was trained on, so that the first two are those of a preset's or a setting's rise.
import { measuredBy } from "./blindReward.mjs";
import { gains, mean, minus, overPictures, overPrompts, spreadOfSeeds } from "./rises.mjs";

/** How many standard errors a difference must have to be told as one. */
const seen = 3;
/** Trainings that are the same but for rounding tell nothing of how far others lie apart. */
const same = 1e-3;
/** Groups whose configs are not held against the first. */
const alone = ["presets", "nothing to learn"];

/**
 * @param jobs  { group, name, cost, trainings }: of each training its config, seed, and rewards before and after
 * @returns by group: its rows, and how far trainings that differ by seed only lie apart (`rises`, by reward; `differences` from the group's first config, seed by seed)
 */
export function tabulate(jobs) {
  const groups = [...new Set(jobs.map(({ group }) => group))];
  return groups.map((group) => {
    const configs = jobs.filter((job) => job.group === group && job.trainings.length > 0);
    const first = alone.includes(group) ? undefined : configs[0];
    const rows = configs.map((job) => rowOf(job, first === job ? undefined : first));
    const spreadBy = (reward) =>
      spreadOfSeeds(rows.filter((row) => row.reward === reward).map(({ bySeed }) => bySeed.map(({ rise }) => rise)));
    const rises = Object.fromEntries([...new Set(rows.map(({ reward }) => reward))].map((r) => [r, spreadBy(r)]));
    const apart = rows.flatMap(({ against }) =>
      against?.bySeed.some((d) => Math.abs(d) > same) ? [against.bySeed] : [],
    );
    const differences = spreadOfSeeds(apart);
    for (const row of rows) {
      row.semOverSeeds = over(rises[row.reward], row.seeds);
      if (row.against) row.against.semOverSeeds = over(differences, row.against.bySeed.length);
    }
    return { group, first: first?.name, rows, spread: { rises, differences } };
  });
}

/**
 * What of a preset's rise its reward brought: the rise less that of the same config, seed by seed, with a reward that looks at no image.
 * @param tables  of `tabulate`    @returns of each preset that has trainings of both kinds: the differences, and the standard error over trainings of two seeds or more
 */
export function learned(tables) {
  const rowsOf = (wanted) => tables.find(({ group }) => group === wanted)?.rows ?? [];
  return rowsOf("presets").flatMap(({ name, reward, rise, bySeed }) => {
    const blind = rowsOf("nothing to learn").find(
      (row) => row.name.split(", by ")[0] === name && row.reward === reward,
    );
    const pairs = bySeed.flatMap((own) => (blind?.bySeed ?? []).filter(({ seed }) => seed === own.seed).map((other) => own.rise - other.rise)); // biome-ignore format: one thought
    if (pairs.length === 0) return [];
    return [{ name, reward, rise, walk: blind.rise, bySeed: pairs, mean: mean(pairs), semOverSeeds: over(spreadOfSeeds([pairs]), pairs.length) }]; // biome-ignore format: one thought
  });
}

const over = (spread, count) => (spread ? spread.sd / Math.sqrt(count) : undefined);

function rowOf({ name, cost, trainings }, first) {
  const own = gains(trainings, "in domain");
  const { mean: rise, sem } = overPictures(own);
  const bySeed = trainings.map((training) => {
    const { mean: rise, sem } = overPictures(gains([training], "in domain"));
    return { seed: training.seed, rise, errors: rise / sem };
  });
  const average = (of) => mean(trainings.map(of));
  return {
    ...{ name, reward: rewardOf(trainings[0]), epochs: trainings[0].config.train.epochs, passes: cost },
    ...{ seeds: trainings.length, bySeed, rise, sem, semOverPrompts: overPrompts(own).sem },
    before: mean(trainings[0].before["in domain"].flat()),
    after: average(({ after }) => mean(after["in domain"].flat())),
    heldOut: overPrompts(gains(trainings, "held out")),
    ...{ clipped: average(({ clipped }) => clipped), skipped: average(({ skipped }) => skipped) },
    seconds: average(({ seconds }) => seconds),
    against: first && difference(trainings, first.trainings),
  };
}

const rewardOf = ({ config: { reward } }) => measuredBy(reward);

/** Of the trainings that both have the seed of. */
function difference(trainings, others) {
  const pairs = trainings.flatMap((own) => others.filter(({ seed }) => seed === own.seed).map((other) => [own, other]));
  if (pairs.length === 0) return undefined;
  const of = (pairs) => {
    const rows = [0, 1].map((side) => gains(pairs.map((pair) => pair[side]), "in domain")); // biome-ignore format: short
    return overPictures(minus(rows[0], rows[1]));
  };
  return { ...of(pairs), bySeed: pairs.map((pair) => of([pair]).mean) };
}

const number = (v, digits = 3) => (v === undefined ? "" : v.toFixed(digits).replace("-", "−"));
const pm = ({ mean: m, sem }) => `${number(m)} ± ${number(sem)}`;

/** What is told of a difference from the first: nothing where it is not `seen` standard errors, of the pictures and, where there are several seeds, of the trainings. */
function verdict({ mean: m, sem, semOverSeeds }) {
  if (semOverSeeds === undefined) return "one seed";
  return Math.abs(m) < seen * Math.max(sem, semOverSeeds) ? "no difference seen" : m > 0 ? "better" : "worse";
}

const columns = {
  what: ({ name }) => name,
  epochs: ({ epochs }) => epochs,
  passes: ({ passes }) => passes.toLocaleString("en"),
  "ODE before": ({ before }) => number(before, 2),
  after: ({ after }) => number(after, 2),
  "rise, by seed": ({ bySeed }) => bySeed.map(({ rise }) => number(rise, 2)).join(" "),
  "in s.e. of its pictures": ({ bySeed }) => bySeed.map(({ errors }) => number(errors, 0)).join(" "),
  rise: (row) => number(row.rise),
  "s.e. over trainings": (row) => number(row.semOverSeeds),
  "over prompts": (row) => number(row.semOverPrompts),
  "held out": ({ heldOut }) => pm(heldOut),
};
const comparison = {
  what: ({ name }) => name,
  epochs: ({ epochs }) => epochs,
  "rise, by seed": columns["rise, by seed"],
  rise: (row) => number(row.rise),
  "against the first": ({ against }) => against && number(against.mean),
  "s.e. over trainings": ({ against }) => against && number(against.semOverSeeds),
  "of pictures": ({ against }) => against && number(against.sem),
  "": ({ against }) => against && verdict(against),
  "held out": columns["held out"],
  clipped: ({ clipped }) => `${number(100 * clipped, 1)} %`,
};

/** `learned` as a table; nothing where it has no row. */
export function learnedMarkdown(rows) {
  if (rows.length === 0) return "";
  const head = ["preset", "reward", "its rise", "ignoring the image", "difference, by seed", "difference ± s.e. over trainings"];
  const cells = ({ name, reward, rise, walk, bySeed, semOverSeeds, ...row }) => [name, reward, number(rise), number(walk), bySeed.map((v) => number(v, 2)).join(" "), pm({ mean: row.mean, sem: semOverSeeds })]; // biome-ignore format: one thought
  return ["\n### What was learned\n", ...lines(head, rows.map(cells))].join("\n");
} // biome-ignore format: a table

/** A table's lines. */
const lines = (head, rows) => [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);

export const toMarkdown = (tables) =>
  tables.map(({ group, first, rows, spread }) => {
    const shown = Object.entries(first === undefined ? columns : comparison);
    const apart = Object.entries(first === undefined ? spread.rises : { "differences from the first": spread.differences })
      .flatMap(([of, s]) => (s ? [`${of}: ${number(s.sd)}, of ${s.freedom} degrees of freedom`] : []));
    return [`\n### ${group}\n`, ...lines(shown.map(([name]) => name), rows.map((row) => shown.map(([, of]) => of(row) ?? ""))), ...(apart.length ? [`\nStandard deviation between seeds: ${apart.join("; ")}.`] : [])].join("\n"); // biome-ignore format: a table
  }).join("\n"); // biome-ignore format: a list
