import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const rooms = ["native", ...readdirSync("packages").map((name) => `packages/${name}`)];
const conditions = ["@etalon/source"];

/** The test files that take longest, 10 to 40 s each, the longest first: several processes, a compiler, whole trainings. */
const longest = [
  "native/test/mpi/nccl",
  "cli/test/process",
  "native/test/consumer",
  "gap/src/study/runStudy",
  "cli/src/badConfig",
  "trainers/test/runFolder",
  "engine/test/conformance",
  "cli/test/ranks",
  "trainers/test/faults",
  "cli/test/engine",
  "gap/test/sd15Ddpo",
  "engine/test/soak",
  "native/test/mpi/mpi",
  "trainers/test/mpi",
];

/** Starts the longest files first, so that none is left alone on a core at the end. Vitest knows that from an earlier run, which a fresh clone has not had. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = longest.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at < 0 ? longest.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

/** One project a package; sources are tested unbuilt, through the "@etalon/source" condition of each package's exports. */
export default defineConfig({
  test: {
    // A test file a core: vitest itself would leave one to its main process, which has little to do, so that of two cores one stood idle.
    minWorkers: availableParallelism(),
    maxWorkers: availableParallelism(),
    sequence: { sequencer: LongestFirst },
    projects: rooms.map((root) => ({
      resolve: { conditions },
      ssr: { resolve: { conditions, externalConditions: conditions } },
      test: {
        name: root.replace("packages/", ""),
        root,
        include: ["**/*.test.ts"],
        testTimeout: 120_000,
        hookTimeout: 120_000,
        // Test files run beside each other already: a thread an engine there, but where threads are tested.
        env: ["native", "packages/engine"].includes(root) ? {} : { ETALON_NUM_THREADS: "1" },
      },
    })),
  },
});
