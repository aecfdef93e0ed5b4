import { createRequire } from "node:module";
import { cpus } from "node:os";
import { dirname } from "node:path";
import util from "node:util";
import { backend } from "@etalon/native";
import type { Engine } from "./engine.ts";
import { nativeBackendName, registerNative } from "./native/registerNative.ts";
import { resolveFromUser } from "./resolveFromUser.ts";
import { quietly, tf } from "./tf.ts";

type Loaded = Omit<Engine, "why">;
type Missing = { missing: string };

/**
 * The engines by name. Each loads its backend, makes it the current one and describes itself, or says what is missing. A new engine is one more entry here, and its name at its
 * place in `engineNames`: nothing outside this package asks for a name, only for traits.
 */
export const engines: Record<Engine["name"], () => Promise<Loaded | Missing>> = {
  native,
  "tfjs-node-gpu": () => tfjsNode("tfjs-node-gpu"),
  "tfjs-node": () => tfjsNode("tfjs-node"),
  wasm,
};

async function native(): Promise<Loaded | Missing> {
  const missing = registerNative();
  if (missing !== undefined) return { missing };
  if (!(await tf.setBackend(nativeBackendName))) return { missing: "its backend did not start" };
  const { name: target, threads } = backend();
  const { version } = createRequire(import.meta.url)("@etalon/native/package.json") as { version: string };
  const traits = { fused: true, unpacks: true, slow: false };
  return { name: "native", version: `${version} (${target})`, threads, device: "cpu", ...traits, lacks: nativeLacks };
}

const nativeLacks = [
  "a GPU",
  "native pooling, 3-D and depthwise convolutions, FFT and sparse kernels: TensorFlow.js's own, in JavaScript, serve",
];

async function wasm(): Promise<Loaded | Missing> {
  const require = createRequire(import.meta.url);
  const backend = quietly(() =>
    require("@tensorflow/tfjs-backend-wasm"),
  ) as typeof import("@tensorflow/tfjs-backend-wasm");
  backend.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  if (!(await tf.setBackend("wasm"))) return { missing: "its WebAssembly module did not start" };
  return {
    name: "wasm",
    version: backend.version_wasm,
    threads: 1,
    device: "cpu",
    fused: false,
    unpacks: false,
    slow: true,
    faster: "native",
    lacks: ["a GPU", "threads", "kernels of some gradients, which are made of products instead"],
  };
}

/** Packages already loaded: registering their backend twice prints, and tfjs-node-gpu and tfjs-node share the backend's name. */
const loaded = new Map<string, { version: string; gpu: boolean }>();

async function tfjsNode(name: "tfjs-node" | "tfjs-node-gpu"): Promise<Loaded | Missing> {
  if (!loaded.has(name)) {
    const file = resolveFromUser(`@tensorflow/${name}`);
    if (file === undefined) return { missing: `@tensorflow/${name} is not installed` };
    if (loaded.size > 0) return { missing: `${[...loaded.keys()][0]} is loaded already, and both cannot be` };
    polyfillUtil();
    process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
    try {
      const package_ = quietly(() => createRequire(file)(file)) as {
        version?: { "tfjs-node"?: string };
      };
      const gpu =
        (tf.findBackend("tensorflow") as unknown as { isUsingGpuDevice?: boolean } | null)?.isUsingGpuDevice ?? false;
      loaded.set(name, { version: package_.version?.["tfjs-node"] ?? "unknown", gpu });
    } catch (error) {
      return {
        missing: `@tensorflow/${name} does not load: ${error instanceof Error ? error.message.split("\n")[0] : error}`,
      };
    }
  }
  const { version, gpu } = loaded.get(name) as { version: string; gpu: boolean };
  if (name === "tfjs-node-gpu" && !gpu) return { missing: "it finds no GPU that works" };
  if (!(await tf.setBackend("tensorflow"))) return { missing: "its backend did not start" };
  return {
    name,
    version,
    threads: Number(process.env.TF_NUM_INTRAOP_THREADS) || cpus().length,
    device: gpu ? "gpu" : "cpu",
    fused: false,
    unpacks: true,
    slow: false,
    faster: gpu ? undefined : "native",
    lacks: gpu ? [] : ["a GPU"],
  };
}

/** tfjs-node 4.22 calls util.isNullOrUndefined and its like, which Node 23 took away. */
function polyfillUtil(): void {
  const legacy = util as unknown as Record<string, unknown>;
  legacy.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  legacy.isArray ??= Array.isArray;
}
