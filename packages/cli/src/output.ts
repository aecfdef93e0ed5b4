let quiet = false;

/** From now on nothing is printed: another rank of the run speaks for all. */
export function beQuiet(): void {
  quiet = true;
}

export const isQuiet = (): boolean => quiet;

/** Prints one JSON document on stdout, and nothing else goes there. */
export function printJson(value: unknown): void {
  if (!quiet) process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Prints lines for people. */
export function print(...lines: string[]): void {
  if (!quiet) process.stdout.write(`${lines.join("\n")}\n`);
}

/** A remark on stderr: which engine runs, where a file went. */
export function remark(text: string): void {
  if (!quiet) aside(text);
}

let leaveBar = () => {};

/** What to do before a line goes to stderr: the bar that is drawn there ends its own. */
export function beforeAside(leave: () => void): void {
  leaveBar = leave;
}

/** Writes lines to stderr, of whichever rank: below a bar that stands there, not into it. */
export function aside(text: string): void {
  leaveBar();
  process.stderr.write(`${text}\n`);
}

/** mean ± standard error, with as many digits as the error warrants. */
export function plusMinus({ mean, sem }: { mean: number; sem: number }): string {
  const digits = Math.min(6, Math.max(0, sem > 0 ? 1 - Math.floor(Math.log10(sem)) : 3));
  return `${mean.toFixed(digits)} ± ${sem.toFixed(digits)}`;
}
