import { hostname } from "node:os";
import type { Communicator } from "./Communicator.ts";

/** A run of one process: nothing is sent anywhere. */
export const soloCommunicator: Communicator = {
  kind: "solo",
  rank: 0,
  size: 1,
  localRank: 0,
  localSize: 1,
  hosts: [hostname()],
  allreduce: async () => undefined,
  allgather: async (bytes) => [bytes.slice()],
  broadcast: async () => undefined,
  barrier: async () => undefined,
  abort: () => undefined,
  close: async () => undefined,
};
