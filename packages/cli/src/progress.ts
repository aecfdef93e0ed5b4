import { Presets, SingleBar } from "cli-progress";
import { isQuiet } from "./output.ts";

/** How far a long call has come: `done` of `total` in the stage named, parts of one counted too, and a short remark. */
export interface Progress {
  stage: string;
  done: number;
  total: number;
  note?: string;
}

/** Shows progress on stderr, so that stdout stays free for data: a bar with an ETA on a terminal, a line a stage elsewhere. */
export function progressBar(): { update(progress: Progress): void; stop(): void } {
  if (isQuiet()) return { update() {}, stop() {} };
  if (!process.stderr.isTTY) return progressLines();
  const bar = new SingleBar(
    {
      format: "{stage} {bar} {whole}/{total}, {eta_formatted} left {note}",
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: false,
      etaBuffer: 30,
    },
    Presets.shades_classic,
  );
  let stage: string | undefined;
  return {
    update({ stage: now, done, total, note = "" }) {
      const shown = { stage: now, note, whole: Math.floor(done) };
      if (now !== stage) {
        if (stage !== undefined) bar.stop();
        bar.start(total, done, shown);
        stage = now;
      } else {
        bar.setTotal(total);
        bar.update(done, shown);
      }
    },
    stop() {
      if (stage !== undefined) bar.stop();
    },
  };
}

/** Where nobody watches: at most a line every ten seconds, and each stage's first and last. */
function progressLines() {
  const started = performance.now(); // no clock that may be set back
  let [stage, begun, from, last] = ["", started, 0, 0];
  return {
    update({ stage: now, done, total, note = "" }: Progress) {
      const time = performance.now();
      if (now === stage && done < total && time - last < 10_000) return;
      if (now !== stage) [stage, begun, from] = [now, time, done];
      last = time;
      const left = done > from && done < total ? ((time - begun) / (done - from)) * (total - done) : undefined;
      const parts = [`${stage} ${Math.floor(done)}/${total}`, left === undefined ? "" : `${seconds(left)} left`, note];
      process.stderr.write(`[${seconds(time - started)}] ${parts.filter(Boolean).join(", ")}\n`);
    },
    stop() {},
  };
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
