import type { ErrorCode, ErrorDetail } from "@etalon/errors";
import type { Progress } from "../Progress.ts";
import type { JobSeconds, RunJobOptions } from "./runJob.ts";

/** What a study says to a worker process. */
export type ToWorker = ({ kind: "job" } & Pick<RunJobOptions, "config" | "job" | "folder">) | { kind: "abort" };

/** What a worker process says to its study. */
export type FromWorker =
  | { kind: "ready" }
  | { kind: "progress"; progress: Progress }
  | { kind: "done"; seconds: JobSeconds }
  | { kind: "error"; code?: ErrorCode; detail: ErrorDetail; message: string; stack?: string };
