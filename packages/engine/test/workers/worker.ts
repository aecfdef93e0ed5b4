// A worker thread with an engine of its own: says when it stands, then does training steps; `rounds` of them and posts the last, or without end.
import { parentPort, workerData } from "node:worker_threads";
import { engine } from "../../src/index.ts";
import { trainingStep } from "./trainingStep.ts";

const { rounds, seed } = workerData as { rounds: number | null; seed: number };
const { name } = await engine("native");
parentPort?.postMessage({ name });
let values = trainingStep(seed);
for (let i = 1; rounds === null || i < rounds; i++) values = trainingStep(seed);
parentPort?.postMessage({ values });
