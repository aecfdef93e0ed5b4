// A process whose workers are terminated in mid-call, twice over, and which then computes itself.    node terminated.mjs WORKER
import { Worker } from "node:worker_threads";

const started = (file) =>
  new Promise((settle, reject) => {
    const worker = new Worker(file, { workerData: { rounds: null, seed: 1 } });
    worker.once("message", () => settle(worker)).once("error", reject);
  });
for (let round = 0; round < 2; round++) {
  const workers = await Promise.all([1, 2, 3].map(() => started(process.argv[2])));
  await Promise.all(workers.map((worker, i) => new Promise((settle) => setTimeout(settle, 40 + 37 * i + 11 * round)).then(() => worker.terminate()))); // biome-ignore format: a line
}
const last = new Worker(process.argv[2], { workerData: { rounds: 1, seed: 1 } });
last.on("message", ({ values }) => values && console.log(values.length));
