import { defineConfig } from "tsdown";

export default defineConfig({
  entry: { index: "lib/index.ts", tensor: "lib/tensor/index.ts", tfjs: "lib/tfjs/index.ts", mpi: "lib/mpi/index.ts" },
  format: "esm",
  dts: true,
  platform: "node",
  target: "node20",
  fixedExtension: false,
});
