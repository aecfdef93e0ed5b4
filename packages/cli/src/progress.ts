import { Presets, SingleBar } from "cli-progress";
import { beforeAside, isQuiet } from "./output.ts";

/** How far a long call has come: `done` of `total` in the stage named, parts of one counted too, and a short remark. */
export interface Progress {
  stage: string;
  done: number;
  total: number;
  note?: string;
}

/** Shows progress on stderr, so that stdout stays free for data: a bar with an ETA on a terminal that can draw one, a line a stage elsewhere. A remark in between stands below the bar, which goes on below that. */
export function progressBar(): { update(progress: Progress): void; stop(): void } {
  if (isQuiet()) return { update() {}, stop() {} };
  if (!hasBar()) return progressLines();
  const bar = new SingleBar(
    {
      format: "{stage} {bar} {whole}/{total}{left}{note}",
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: false,
      barsize: 20, // the note has more to tell
    },
    Presets.shades_classic,
  );
  let stage: string | undefined;
  let isDrawn = false;
  let clock = timeLeft(0);
  const leave = () => {
    if (isDrawn) bar.stop();
    isDrawn = false;
  };
  beforeAside(leave);
  return {
    update({ stage: now, done, total, note = "" }) {
      if (now !== stage) {
        leave();
        clock = timeLeft(done);
        stage = now;
      }
      const shown = { stage: now, note: note && `, ${note}`, whole: Math.floor(done), left: clock(done, total) };
      if (isDrawn) {
        bar.setTotal(total);
        bar.update(done, shown);
      } else bar.start(total, done, shown);
      isDrawn = true;
    },
    stop() {
      leave();
      beforeAside(() => {});
    },
  };
}

/** Whether stderr is a terminal that moves its cursor. */
export const hasBar = (): boolean => process.stderr.isTTY && process.env.TERM !== "dumb";

/** Where nobody watches: at most a line every ten seconds, and each stage's first and last. */
function progressLines() {
  const started = performance.now(); // no clock that may be set back
  let [stage, last] = ["", 0];
  let clock = timeLeft(0);
  return {
    update({ stage: now, done, total, note = "" }: Progress) {
      const time = performance.now();
      if (now === stage && done < total && time - last < 10_000) return;
      if (now !== stage) [stage, clock] = [now, timeLeft(done)];
      last = time;
      const parts = [`${stage} ${Math.floor(done)}/${total}${clock(done, total)}`, note];
      process.stderr.write(`[${seconds(time - started)}] ${parts.filter(Boolean).join(", ")}\n`);
    },
    stop() {},
  };
}

/** Of a stage that begins now, with `from` done: how long the rest will take at the pace so far, as ", 12 s left"; nothing where that is not known yet. */
function timeLeft(from: number): (done: number, total: number) => string {
  const begun = performance.now();
  return (done, total) => {
    if (!(done > from && done < total)) return "";
    return `, ${span(((performance.now() - begun) / (done - from)) * (total - done))} left`;
  };
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;

/** To two figures or so: 95 s, 12 min, 7.5 h. */
function span(ms: number): string {
  if (ms < 120e3) return seconds(ms);
  return ms < 7200e3 ? `${Math.round(ms / 60e3)} min` : `${(ms / 3600e3).toFixed(1)} h`;
}
