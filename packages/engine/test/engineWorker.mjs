// A worker thread that takes memory and runs light kernels of the addon, beside others: memory and contexts are each environment's own, the threads of the pool are shared.
import { createRequire } from "node:module";
import { parentPort, workerData } from "node:worker_threads";

const { light } = createRequire(import.meta.url)(workerData.addon);
const { unary, binary } = light.operations();
const size = 100_000;
const reserve = () => new Float32Array(light.allocate(400_000 - (400_000 % 64) + 64), 0, size);
const [x, y, sum] = [reserve(), reserve(), reserve()];
let total = 0;
for (let round = 0; round < 50; round++) {
  light.fill(x, workerData.seed);
  light.unary(unary.indexOf("neg"), x, y);
  light.unary(unary.indexOf("abs"), y, x);
  light.fill(y, 0);
  light.binary(binary.indexOf("add"), x, y, sum, Float64Array.of(1, size, 1, 1));
  const out = new Float32Array(light.allocate(64), 0, 1);
  light.reduce(0, sum, out, 1, size, 1);
  total = out[0];
  light.release(out.buffer);
}
for (const array of [x, y, sum]) light.release(array.buffer);
parentPort.postMessage({ sum: total, left: x.length });
