import { readdirSync } from "node:fs";
import { defineConfig } from "vitest/config";

const rooms = ["native", ...readdirSync("packages").map((name) => `packages/${name}`)];
const conditions = ["@etalon/source"];

/** One project a package; sources are tested unbuilt, through the "@etalon/source" condition of each package's exports. */
export default defineConfig({
  test: {
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
