import { check, EtalonError } from "@etalon/errors";
import { type EngineName, engineNames } from "./engineNames.ts";
import { engines } from "./engines.ts";
import { tf } from "./tf.ts";

/** What other packages ask about an engine, in place of its name. */
export interface EngineTraits {
  /** This package's operations are a kernel each way, which keeps less for the gradient; elsewhere they are made of TensorFlow.js's own. */
  fused: boolean;
  /** 16-bit weights are unpacked in good time at each use, so they can stay packed in between. */
  unpacks: boolean;
  /** Several times slower than others on the same machine: where a default may be smaller, it is. */
  slow: boolean;
  /** The engine that is faster on the same machine, where it runs; undefined: this one is as fast as any. */
  faster?: Exclude<EngineName, "auto">;
}

/** The engine that runs the tensors of this process. */
export interface Engine extends EngineTraits {
  name: Exclude<EngineName, "auto">;
  version: string;
  /** Threads that it uses for one operation. */
  threads: number;
  device: "cpu" | "gpu";
  /** What it cannot do, or does slowly, in words. */
  lacks: string[];
  /** Why this one: the choice, and what was passed over for which reason. */
  why: string;
}

let current: Engine | undefined;

/**
 * Finds, loads and registers the TensorFlow.js backend and describes it. 'auto' takes the first that works of tfjs-node-gpu (where the user has installed it and a GPU
 * works; `ETALON_TFJS_NODE` names a folder to look in), native (where the addon of @etalon/native is), tfjs-node (where it is installed) and wasm, which is always there.
 * `ETALON_ENGINE` overrides 'auto'. Calling again is cheap; another name switches the backend, and tensors made before move over when they are used.
 * @throws EtalonError OUT_OF_RANGE: no such name; UNSUPPORTED: the engine asked for cannot run here, with the reason
 */
export async function engine(name: EngineName = "auto"): Promise<Engine> {
  check.oneOf("engine", name, engineNames);
  const wanted =
    name === "auto" ? check.oneOf("ETALON_ENGINE", process.env.ETALON_ENGINE || "auto", engineNames) : name;
  if (current && (wanted === "auto" || wanted === current.name)) return current;
  if (wanted !== "auto") {
    const attempt = await engines[wanted]();
    if ("missing" in attempt) {
      throw new EtalonError("UNSUPPORTED", {
        argument: "engine",
        value: wanted,
        allowed: "an engine that runs here",
        hint: `${attempt.missing}.`,
      });
    }
    current = { ...attempt, why: name === "auto" ? "ETALON_ENGINE names it" : "asked for by name" };
    return current;
  }
  const passed: string[] = [];
  for (const candidate of engineNames) {
    if (candidate === "auto") continue;
    const attempt = await engines[candidate]();
    if ("missing" in attempt) {
      passed.push(`${candidate}: ${attempt.missing}`);
      continue;
    }
    current = { ...attempt, why: ["the first that works", ...passed].join("; ") };
    return current;
  }
  throw new EtalonError("UNSUPPORTED", {
    argument: "engine",
    value: "auto",
    allowed: "an engine that runs here",
    hint: `${passed.join("; ")}.`,
  });
}

/** What `engine` last chose; undefined before. */
export const currentEngine = (): Engine | undefined => (current && tf.getBackend() ? current : undefined);
