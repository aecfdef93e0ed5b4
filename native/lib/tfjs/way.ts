import { engine } from "./engine.ts";
import { isNodeBackend, missingOps } from "./ops.ts";
import { memoryOf } from "./values.ts";

/** How tensors of the backend in use are computed with. No result depends on it. */
export interface Way {
  /** ops: TensorFlow ops, on tensors in TensorFlow's memory (tfjs-node, tfjs-node-gpu). memory: in place, in the backend's memory (native, wasm). arrays: through typed arrays. */
  name: "ops" | "memory" | "arrays";
  /** Why this one. */
  why: string;
}

const known = new WeakMap<object, Way>();

/** The way of the backend in use, found once a backend. @throws EtalonError UNSUPPORTED: no TensorFlow.js in this process */
export function way(): Way {
  const { backend, backendName } = engine();
  let found = known.get(backend);
  if (found === undefined) {
    found = find(backend, backendName);
    known.set(backend, found);
  }
  return found;
}

function find(backend: object, name: string): Way {
  if (isNodeBackend(backend)) {
    const missing = missingOps(backend);
    if (missing === undefined) return { name: "ops", why: `tensors of ${name} lie in TensorFlow's memory` };
    return { name: "arrays", why: missing };
  }
  if (memoryOf(backend) !== undefined)
    return { name: "memory", why: `tensors of ${name} lie where the addon can reach them` };
  return { name: "arrays", why: `${name} gives and takes typed arrays` };
}
