import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import util from "node:util";
import type * as tensorflow from "@tensorflow/tfjs";

const require = createRequire(import.meta.url);

/** tfjs prints a line for each kernel that a second backend registers again. */
function quietly<T>(load: () => T): T {
  const { warn, info, log } = console;
  console.warn = console.info = console.log = () => {};
  try {
    return load();
  } finally {
    Object.assign(console, { warn, info, log });
  }
}

export const tf: typeof tensorflow = quietly(() => require("@tensorflow/tfjs"));

/** The backends to test with: tfjs's own in JavaScript, wasm, and tfjs-node where ETALON_TFJS_NODE names a folder that has it. */
export const backends: ("cpu" | "wasm" | "tensorflow")[] = ["cpu", "wasm"];

const wasm: typeof import("@tensorflow/tfjs-backend-wasm") = quietly(() => require("@tensorflow/tfjs-backend-wasm"));
wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);

export const tfjsNode = process.env.ETALON_TFJS_NODE;
if (tfjsNode !== undefined) {
  (util as unknown as { isNullOrUndefined: unknown }).isNullOrUndefined ??= (value: unknown) => value == null; // gone from Node 23 on
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  quietly(() => createRequire(join(tfjsNode, "package.json"))("@tensorflow/tfjs-node"));
  backends.push("tensorflow");
}
