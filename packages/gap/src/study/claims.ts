import { type Interval, interval } from "../statistics/interval.ts";
import { summarise } from "../statistics/summarise.ts";
import type { Cell } from "./Cell.ts";
import type { Claim } from "./Study.ts";

/** The eta that the paper finds best. */
const paperEta = 1.2;
/** "Near-best" is within this part of the best training's rise. */
const nearBest = 0.1;

/**
 * Puts the paper's four claims to the test on paired rewards; README.md says how each estimator is made and why.
 * Every contrast is made picture by picture, averaged over trainings, then over the pictures of a prompt; the interval is the 95 % t-interval over prompts. It speaks of
 * prompts drawn as these were, and of the trainings that were run: with one seed a training it says nothing of other seeds, and the statements say so.
 * @param mainSteps  sampling steps of the main measurements: those up to it count as few
 * @returns for each reward, in order of appearance: narrows, best-eta (from two etas on), few-steps with gDDIM and with Flow-SDE, rich-prompts; each where it was measured
 */
export function claims(cells: readonly Cell[], mainSteps: number): Claim[] {
  const rewards = [...new Set(cells.map(({ reward }) => reward))];
  return rewards.flatMap((reward) => {
    const own = cells.filter((cell) => cell.reward === reward);
    const main = own.filter((cell) => cell.steps === mainSteps && cell.rule === "gddim");
    const last = Math.max(...own.map(({ epoch }) => epoch));
    const found = [
      narrows(main, last),
      bestEta(main, last),
      fewSteps(own, last, mainSteps, "gddim"),
      fewSteps(own, last, mainSteps, "flow-sde"),
      richPrompts(main, last),
    ];
    const trainings = new Set(own.map(({ seed }) => seed)).size;
    const scope = `${reward}; ${trainings === 1 ? "one training seed" : `${trainings} training seeds`} an eta; 95 % interval over prompts`;
    return found.flatMap((claim) => (claim ? [{ ...claim, statement: `${claim.statement} (${scope})`, reward }] : []));
  });
}

type Found = Omit<Claim, "reward"> | undefined;

/** |gap| before − |gap| after, short prompts, both splits. */
function narrows(main: readonly Cell[], last: number): Found {
  const short = main.filter(({ prompts }) => prompts === "short");
  const pairs = twins(
    short,
    (cell) => cell.epoch === 0,
    (cell) => cell.epoch === last,
  );
  return claim(
    "narrows",
    "The gap narrows in training: |gap| before − |gap| after",
    pairs.map(([before, after]) => narrowing(before, after)),
  );
}

/** ODE reward after training at the eta nearest the paper's − that of the best other eta, short prompts, both splits. */
function bestEta(main: readonly Cell[], last: number): Found {
  const short = main.filter(({ prompts }) => prompts === "short");
  const level = (eta: number, epoch: number) =>
    mean(short.filter((cell) => cell.trainEta === eta && cell.epoch === epoch).map(({ ode }) => summarise(ode).mean));
  const etas = [...new Set(short.map(({ trainEta }) => trainEta))];
  if (etas.length < 2) return undefined;
  const chosen = etas.reduce((a, b) => (Math.abs(b - paperEta) < Math.abs(a - paperEta) ? b : a));
  const others = etas.filter((eta) => eta !== chosen);
  const rival = others.reduce((a, b) => (level(b, last) > level(a, last) ? b : a));
  const rise = Math.max(...etas.map((eta) => level(eta, last) - level(eta, 0)));
  const margin = Math.max(0, nearBest * rise);
  const after = short.filter(({ epoch }) => epoch === last);
  const pairs = twins(
    after,
    (cell) => cell.trainEta === chosen,
    (cell) => cell.trainEta === rival,
    false,
  );
  const statement = `Training at eta ${chosen} gives the best or near-best ODE reward: reward at ${chosen} − at ${rival}, the best other; near is above −${digits(margin)}, a tenth of the rise`;
  return claim(
    "best-eta",
    statement,
    pairs.map(([a, b]) =>
      contrast(
        a,
        a.ode.map((r, i) => r - b.ode[i]),
      ),
    ),
    -margin,
  );
}

/** ODE − SDE after training, in-domain short prompts, over the step counts up to the main one. */
function fewSteps(own: readonly Cell[], last: number, mainSteps: number, rule: "gddim" | "flow-sde"): Found {
  const few = own.filter(
    (cell) =>
      cell.epoch === last &&
      cell.split === "in-domain" &&
      cell.prompts === "short" &&
      cell.steps <= mainSteps &&
      cell.rule === rule,
  );
  const counts = [...new Set(few.map(({ steps }) => steps))].sort((a, b) => a - b);
  const sampler = rule === "gddim" ? "gDDIM at the trained eta" : `Flow-SDE at a = ${few[0]?.evalEta}`;
  const statement = `At few steps (${counts.join(", ")}) the ODE earns more than the SDE: ODE − SDE, ${sampler}`;
  return claim(
    "few-steps",
    statement,
    few.map((cell) =>
      contrast(
        cell,
        cell.ode.map((r, i) => r - cell.sde[i]),
      ),
    ),
  );
}

/** |gap| on short prompts − |gap| on the same prompts said at length, before and after training, both splits. */
function richPrompts(main: readonly Cell[], last: number): Found {
  const ends = main.filter(({ epoch }) => epoch === 0 || epoch === last);
  const pairs = twins(
    ends,
    (cell) => cell.prompts === "short",
    (cell) => cell.prompts === "rich",
  );
  const statement = "Richer prompts narrow the gap: |gap| short − |gap| rich, mean of before and after training";
  return claim(
    "rich-prompts",
    statement,
    pairs.map(([short, rich]) => narrowing(short, rich)),
  );
}

interface Contrast {
  split: Cell["split"];
  promptCount: number;
  values: readonly number[];
}
const contrast = ({ split, promptCount }: Cell, values: readonly number[]): Contrast => ({
  split,
  promptCount,
  values,
});

/** A contrast a picture whose mean is |mean gap of a| − |mean gap of b|: both gaps, each with its own sign. */
function narrowing(a: Cell, b: Cell): Contrast {
  const [before, after] = [a, b].map(({ sde, ode }) => sde.map((r, i) => r - ode[i]));
  const [s, t] = [Math.sign(mean(before)), Math.sign(mean(after))];
  return contrast(
    a,
    before.map((gap, i) => s * gap - t * after[i]),
  );
}

/** Pairs of cells alike but for what tells `first` from `second`. */
function twins(
  cells: readonly Cell[],
  first: (cell: Cell) => boolean,
  second: (cell: Cell) => boolean,
  sameEta = true,
): [Cell, Cell][] {
  const isFirst = cells.filter(first);
  const isSecond = cells.filter(second);
  const fixed = (a: Cell, b: Cell) => {
    const alike = a.split === b.split && a.seed === b.seed && (!sameEta || a.trainEta === b.trainEta);
    const [epochDiffers, promptsDiffer] = [a.epoch !== b.epoch, a.prompts !== b.prompts];
    return alike && !(epochDiffers && promptsDiffer);
  };
  return isFirst.flatMap((a) => isSecond.filter((b) => fixed(a, b)).map((b): [Cell, Cell] => [a, b]));
}

/** The claim from its contrasts: averaged picture by picture within a split, then the interval over the prompts of all splits. */
function claim(id: Claim["id"], statement: string, contrasts: readonly Contrast[], threshold = 0): Found {
  if (contrasts.length === 0) return undefined;
  const values: number[] = [];
  const groups: string[] = [];
  for (const split of new Set(contrasts.map((c) => c.split))) {
    const own = contrasts.filter((c) => c.split === split);
    own[0].values.forEach((_, i) => {
      values.push(mean(own.map((c) => c.values[i])));
      groups.push(`${split} ${i % own[0].promptCount}`);
    });
  }
  const bounds = interval(values, groups);
  return { id, statement, ...bounds, verdict: verdict(bounds, threshold) };
}

const verdict = ({ low, high }: Interval, threshold: number): Claim["verdict"] =>
  low > threshold ? "supported" : high < threshold ? "not supported" : "inconclusive";

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const digits = (value: number): string => Number(value.toPrecision(3)).toString();
