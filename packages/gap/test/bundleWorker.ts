import { bundleSource } from "@etalon/testkit";

/** The study's worker from source as one file that Node can run, since Node loads no TypeScript. */
export const bundleWorker = (): Promise<URL> =>
  bundleSource(new URL("../src/study/worker.ts", import.meta.url), new URL("../", import.meta.url));
