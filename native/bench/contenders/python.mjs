import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** torch and numpy in a process of their own, asked by line. */
export async function python(path) {
  const script = fileURLToPath(new URL("../peers/step_peers.py", import.meta.url));
  const child = spawn(path, [script], { stdio: ["pipe", "pipe", "ignore"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${path} ended: has it torch and numpy?`);
    return JSON.parse(value);
  };
  const ask = (engine) => (request) => {
    if (engine === "numpy" && request.operation === "policyGradient") return undefined; // it has no gradients
    if (engine === "torch.compile" && request.operation === "normal") return undefined; // one call: nothing to fuse
    child.stdin.write(`${JSON.stringify({ ...request, engine })}\n`);
    return read();
  };
  const { versions } = await read();
  const contenders = Object.fromEntries(["torch", "torch.compile", "numpy"].map((engine) => [engine, ask(engine)]));
  return { versions, contenders, end: () => child.stdin.end() };
}
