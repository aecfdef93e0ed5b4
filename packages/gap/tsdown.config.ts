import { defineConfig } from "tsdown";

export default defineConfig({
  entry: { index: "src/index.ts", worker: "src/study/worker.ts" } /* a study forks worker.js beside index.js */,
  format: "esm",
  dts: true,
  platform: "node",
  target: "node20",
  fixedExtension: false,
});
