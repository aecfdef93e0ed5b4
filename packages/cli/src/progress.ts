import { Presets, SingleBar } from "cli-progress";

/** How far a long call has come: `done` of `total` in the stage named, and a short remark. */
export interface Progress {
  stage: string;
  done: number;
  total: number;
  note?: string;
}

/** Shows progress on stderr, so that stdout stays free for data: a bar with an ETA on a terminal, a line a stage elsewhere. */
export function progressBar(): { update(progress: Progress): void; stop(): void } {
  if (!process.stderr.isTTY) return progressLines();
  const bar = new SingleBar(
    {
      format: "{stage} {bar} {value}/{total}, {eta_formatted} left {note}",
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
      if (now !== stage) {
        if (stage !== undefined) bar.stop();
        bar.start(total, done, { stage: now, note });
        stage = now;
      } else {
        bar.setTotal(total);
        bar.update(done, { stage: now, note });
      }
    },
    stop() {
      if (stage !== undefined) bar.stop();
    },
  };
}

/** Where nobody watches: at most a line every ten seconds, and each stage's first and last. */
function progressLines() {
  const started = Date.now();
  let last = { stage: "", at: 0 };
  return {
    update({ stage, done, total, note = "" }: Progress) {
      const now = Date.now();
      if (stage === last.stage && done < total && now - last.at < 10_000) return;
      last = { stage, at: now };
      const elapsed = Math.round((now - started) / 1000);
      process.stderr.write(`[${elapsed} s] ${stage} ${done}/${total}${note ? ` ${note}` : ""}\n`);
    },
    stop() {},
  };
}
