import { hostname } from "node:os";
import { check, EtalonError } from "@etalon/errors";
import type { Communicator } from "./Communicator.ts";
import { sumTree } from "./sumTree.ts";

/** A call that waits for the other ranks. */
interface Arrival {
  what: string;
  data: Uint8Array | Float32Array | Float64Array;
  settle(all: readonly Arrival[]): void;
  fail(error: EtalonError): void;
}

/**
 * Several ranks within one process, that run in turns: for tests, and to see what a number of ranks does. They meet as MPI's ranks do, call by call, and sum in the same order.
 * @returns a communicator a rank
 */
export function inProcess(size: number): Communicator[] {
  check.count("size", size);
  const calls: (Arrival | undefined)[][] = []; // by number of the call, then by rank
  let dead: EtalonError | undefined;

  const meet = (call: number, rank: number, arrival: Arrival) => {
    if (dead) return arrival.fail(dead);
    calls[call] ??= Array<Arrival | undefined>(size).fill(undefined);
    calls[call][rank] = arrival;
    const all = calls[call].filter((one) => one !== undefined);
    const other = all.find(({ what }) => what !== arrival.what);
    if (other) return end(new EtalonError("PEER", { argument: `call ${call} of rank ${rank}`, value: arrival.what, allowed: `${other.what}, as another rank calls` })); // biome-ignore format: one thought
    if (all.length < size) return;
    delete calls[call];
    for (const one of all) one.settle(all);
  };
  const end = (error: EtalonError) => {
    dead ??= error;
    for (const waiting of calls.splice(0).flatMap((call) => call ?? [])) waiting?.fail(dead);
  };

  return Array.from({ length: size }, (_, rank): Communicator => {
    let next = 0;
    const call = <T>(what: string, data: Arrival["data"], result: (all: readonly Arrival[]) => T): Promise<T> => {
      const number = next++;
      return new Promise((resolve, reject) => {
        const settle = (all: readonly Arrival[]) => resolve(result(all));
        meet(number, rank, { what, data, settle, fail: reject });
      });
    };
    return {
      kind: "in-process",
      rank,
      size,
      localRank: rank,
      localSize: size,
      hosts: Array<string>(size).fill(hostname()),
      async allreduce(values) {
        const own = values.slice();
        const sum = await call(`allreduce of ${values.length} ${values.constructor.name}`, own, (all) =>
          sumTree(all.map(({ data }) => data as Float64Array)),
        );
        values.set(sum);
      },
      allgather: (bytes) => call("allgather", bytes.slice(), (all) => all.map(({ data }) => (data as Uint8Array).slice())), // biome-ignore format: one thought
      async broadcast(bytes, root = 0) {
        bytes.set(await call(`broadcast of ${bytes.length} from ${root}`, bytes.slice(), (all) => all[root].data));
      },
      barrier: () => call("barrier", new Uint8Array(), () => undefined),
      abort: (why) => end(new EtalonError("PEER", { argument: `rank ${rank}`, value: why }, { message: `Rank ${rank} on ${hostname()} stopped the run: ${why}` })), // biome-ignore format: one thought
      close: () => (dead ? Promise.resolve() : call("close", new Uint8Array(), () => undefined)),
    };
  });
}
