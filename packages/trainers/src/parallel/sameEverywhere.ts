import { EtalonError } from "@etalon/errors";
import type { Communicator } from "./Communicator.ts";
import { gather } from "./gather.ts";
import { agree } from "./together.ts";

/**
 * Refuses ranks that do not agree on something that all must have alike: the config, the prompts, the weights they begin with.
 * @param digest  of this rank's    @throws EtalonError PEER, on all ranks: names the first rank that differs from rank 0
 */
export async function sameEverywhere(communicator: Communicator, what: string, digest: string): Promise<void> {
  const digests = await gather(communicator, digest);
  const other = digests.findIndex((one) => one !== digests[0]);
  if (other < 0) return;
  const message = `Rank ${other} on ${communicator.hosts[other]} has other ${what} than rank 0 on ${communicator.hosts[0]}: start all ranks with the same files and options.`;
  throw agree(new EtalonError("PEER", { argument: what, value: digests[other], allowed: digests[0] }, { message }));
}
