import { openMpi } from "../../lib/mpi/index.ts";

// What the tests of the MPI addon run in each rank: ranks.mjs WHAT. The first rank prints.
const what = process.argv[2];
const mpi = await openMpi();
const { rank, size } = mpi;

/** A number of rank and place whose sum depends on the order of adding. */
const value = (of: number, i: number) => ((i % 7 === 0 ? 1e6 : 1) / (3 * of + (i % 1013) + 0.7)) * (of % 2 ? -1 : 1);

/** ((0+1)+(2+3))+…: neighbours first; what has none waits. */
function tree(level: number[], round: (value: number) => number): number {
  if (level.length === 1) return level[0];
  const pairs = level.flatMap((left, i) => (i % 2 ? [] : [i + 1 < level.length ? round(left + level[i + 1]) : left]));
  return tree(pairs, round);
}

function fail(why: string): never {
  throw new Error(`rank ${rank}: ${why}`);
}

/** The collectives against what they are, for odd sizes; several under way at once. */
async function collectives(): Promise<void> {
  const jobs = [1, 5, 2049, 10007, 60001].flatMap((length) =>
    [Float32Array, Float64Array].map((Kind) => new Kind(length).map((_, i) => value(rank, i))),
  );
  await Promise.all(jobs.map((values) => mpi.allreduce(values)));
  for (const values of jobs) {
    const round = values instanceof Float32Array ? Math.fround : (x: number) => x;
    for (const [i, sum] of values.entries()) {
      const truth = tree(Array.from({ length: size }, (_, of) => round(value(of, i))), round); // biome-ignore format: one thought
      if (!Object.is(sum, truth)) fail(`sum ${i} of ${values.length} is ${sum}, and should be ${truth}`);
    }
  }
  for (const unit of [0, 1, 4088, 4089, 70001]) {
    const all = await mpi.allgather(new Uint8Array(unit * rank).fill(rank));
    if (!all.every((bytes, of) => bytes.length === unit * of && bytes.every((byte) => byte === of))) fail("a gather differs"); // biome-ignore format: one thought
    const bytes = new Uint8Array(unit).fill(rank);
    await mpi.broadcast(bytes, size - 1);
    if (!bytes.every((byte) => byte === size - 1)) fail("a broadcast differs");
  }
  await mpi.barrier();
  if (rank === 0) console.log(`${size} ranks, ${mpi.localSize} here, ${mpi.hosts.length} hosts: all hold`);
}

/** What is refused before it reaches MPI, and memory that a call in progress writes. */
async function refusals(): Promise<void> {
  const values = new Float32Array(1 << 20);
  const running = mpi.allreduce(values);
  const tries = [
    () => mpi.allreduce(values.subarray(5)),
    () => mpi.allreduce(new Int32Array(2) as unknown as Float32Array),
    () => mpi.allgather("x" as unknown as Uint8Array),
    () => mpi.broadcast(new Uint8Array(1), size),
  ];
  for (const attempt of tries) await attempt().catch((error) => rank === 0 && console.log(`${error.code}: ${error.message}`)); // biome-ignore format: one thought
  await running;
}

if (what === "collectives") await collectives();
if (what === "refusals") await refusals();
if (what === "lengths") await mpi.allreduce(new Float32Array(10 + rank)).catch((error) => mpi.abort(error.message, 4));
if (what === "leaves" && rank === 1) process.exit(3);
if (what === "leaves") await mpi.barrier();
if (what === "late" && rank === 1) await new Promise((done) => setTimeout(done, 1500));
if (what === "late") await mpi.barrier();
if (what !== "at exit") await mpi.close(); // else MPI ends on the way out
