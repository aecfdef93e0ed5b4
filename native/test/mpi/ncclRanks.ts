import { createHash } from "node:crypto";
import { EtalonError, type Mpi, openMpi } from "../../lib/mpi/index.ts";

// What the tests of the NCCL path run in each rank: ncclRanks.mjs WHAT. Rank 1 may be told to differ from the others.
const what = process.argv[2];
const second = (process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK) === "1";
if (second && process.env.GPUS_OF_RANK_1) process.env.ETALON_STANDIN_GPUS = process.env.GPUS_OF_RANK_1;
if (second && process.env.TRANSPORT_OF_RANK_1) process.env.ETALON_TRANSPORT = process.env.TRANSPORT_OF_RANK_1;

/** A number of rank and place whose sum depends on the order of adding. */
const value = (of: number, i: number) => ((i % 7 === 0 ? 1e6 : 1) / (3 * of + (i % 1013) + 0.7)) * (of % 2 ? -1 : 1);
const values = (of: number, length: number) => {
  const all = new Float32Array(length);
  for (let i = 0; i < length; i += 1) all[i] = value(of, i);
  return all;
};

/** All that the collectives give, for lengths on both sides of what goes by NCCL, and one of several rounds: a share of more than the 8 MiB that a round has room for. */
async function digest(mpi: Mpi): Promise<string> {
  const hash = createHash("sha256");
  for (const length of [0, 1, 2049, 60_001, 300_007]) {
    const [single, double] = [values(mpi.rank, length), Float64Array.from(values(mpi.rank, length))];
    await Promise.all([mpi.allreduce(single), mpi.allreduce(double)]);
    hash.update(single).update(double);
  }
  const large = values(mpi.rank, 2_500_001 * mpi.size);
  await mpi.allreduce(large);
  hash.update(large);
  for (const bytes of await mpi.allgather(new Uint8Array(100_003 * mpi.rank).fill(mpi.rank))) hash.update(bytes);
  const told = new Uint8Array(1_000_001).fill(mpi.rank + 1);
  await mpi.broadcast(told, mpi.size - 1);
  return hash.update(told).digest("hex");
}

const failed = (error: Error): never => {
  process.stderr.write(`etalon: rank ends the run: ${error.message}\n`);
  process.exit(4);
};

if (what === "refusal") {
  const refused = await openMpi().catch((error: unknown) => error);
  if (!EtalonError.is(refused)) throw new Error("it was not refused");
  console.log(`${process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK}: ${refused.code}: ${refused.message}`);
} else {
  const mpi = await openMpi().catch(failed);
  const { rank, kind, library } = mpi;
  if (what === "digest") {
    const own = await digest(mpi);
    const all = await mpi.allgather(new TextEncoder().encode(own));
    if (all.some((one) => new TextDecoder().decode(one) !== own)) throw new Error(`rank ${rank} has other bits`);
    if (rank === 0) console.log(`${kind}, ${library}: ${own}`);
    await mpi.close();
  }
  const sum = () => mpi.allreduce(values(rank, 300_007));
  if (what === "failure") {
    await sum().catch(failed);
    throw new Error("the sum did not fail");
  }
  if (what === "leaves while stuck") {
    if (rank === 1) setTimeout(() => process.exit(3), 500);
    await sum().catch(failed);
  }
}
