import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { Communicator } from "./Communicator.ts";
import { gather } from "./gather.ts";

/** The threads that a rank should use: its share of the processors that it may run on, at least 1. Ranks of a machine that are bound to the same processors share them; bound to others each has its own. */
export async function threadsPerRank(communicator: Communicator): Promise<number> {
  const own = { host: communicator.hosts[communicator.rank], cores: allowedCores() };
  const all = await gather(communicator, own);
  const beside = all.filter(({ host, cores }) => host === own.host && cores === own.cores).length;
  return Math.max(1, Math.floor(availableParallelism() / beside));
}

/** The processors that this process is bound to, where Linux tells. */
function allowedCores(): string {
  try {
    return /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  } catch {
    return "";
  }
}
