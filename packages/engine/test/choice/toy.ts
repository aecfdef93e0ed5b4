// An engine that is entered where the README says, and nowhere else: auto takes it first, and everything of this package runs on it.
import type { Engine } from "../../src/engine.ts";
import { engineNames } from "../../src/engineNames.ts";
import { engines } from "../../src/engines.ts";
import { tf } from "../../src/index.ts";
import { answers } from "./answers.ts";

(engineNames as unknown as string[]).splice(1, 0, "toy");
(engines as Record<string, () => Promise<object>>).toy = async () => {
  await tf.setBackend("cpu");
  const traits: Partial<Engine> = { fused: false, unpacks: false, slow: true, faster: "native" };
  return { name: "toy", version: "0.0.1", threads: 1, device: "cpu", lacks: ["speed"], ...traits };
};
console.log(JSON.stringify(await answers()));
