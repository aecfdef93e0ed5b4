import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const tfjs = createRequire(import.meta.url).resolve("@tensorflow/tfjs");

/** What a stand-in for tfjs-node does when it is loaded. */
export interface Stub {
  /** Its backend says that it uses a GPU. */
  gpu?: boolean;
  /** It does not load, and says this. */
  throws?: string;
  /** It calls functions of node:util that Node 23 took away, as tfjs-node 4.22 does. */
  legacy?: boolean;
}

/** A user's folder with stand-ins for tfjs-node and tfjs-node-gpu: they register a backend of the same name, which is TensorFlow.js's JavaScript one. */
export function writeStubs(folder: string, stubs: Partial<Record<"tfjs-node" | "tfjs-node-gpu", Stub>>): string {
  for (const [name, { gpu = false, throws, legacy = false }] of Object.entries(stubs)) {
    const place = join(folder, "node_modules", "@tensorflow", name);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, "package.json"), JSON.stringify({ name: `@tensorflow/${name}`, main: "index.js" }));
    writeFileSync(
      join(place, "index.js"),
      `
const util = require("node:util");
if (${legacy} && (!util.isNullOrUndefined(undefined) || util.isNullOrUndefined(0) || !util.isArray([]))) throw new Error("util");
${throws === undefined ? "" : `throw new Error(${JSON.stringify(throws)});`}
const tf = require(${JSON.stringify(tfjs)});
tf.registerBackend("tensorflow", () => Object.assign(tf.findBackendFactory("cpu")(), { isUsingGpuDevice: ${gpu} }));
for (const kernel of tf.getKernelsForBackend("cpu")) tf.registerKernel({ ...kernel, backendName: "tensorflow" });
module.exports = { version: { "tfjs-node": "4.22.0" } };
`,
    );
  }
  return folder;
}
