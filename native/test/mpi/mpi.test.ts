import { rmSync } from "node:fs";
import { hostname } from "node:os";
import { bundleSource, mpiMissing, mpirun, thrown } from "@etalon/testkit";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { mpiLibrary } from "../../lib/mpi/index.ts";

const missing = mpiMissing();
if (missing) console.warn(`SKIPPED: tests of the MPI addon: ${missing}`);

describe.skipIf(missing)("the MPI addon", () => {
  let program: URL;
  beforeAll(async () => {
    program = await bundleSource(new URL("ranks.ts", import.meta.url), new URL("../../", import.meta.url));
  });
  afterAll(() => rmSync(program, { force: true }));
  const run = (ranks: number, what: string) => mpirun(ranks, program, [what]).end;
  const host = hostname();

  test.each([1, 3, 4])("%d ranks sum by the tree, gather, broadcast and wait for each other", async (ranks) => {
    const { stdout, stderr, code } = await run(ranks, "collectives");
    expect(stdout, stderr).toBe(`${ranks} ranks, ${ranks} here, ${ranks} hosts: all hold\n`);
    expect(code).toBe(0);
  });

  test("refuses what it cannot send, and memory that is being written", async () => {
    const { stdout, stderr, code } = await run(2, "refusals");
    expect(stdout.trim().split("\n"), stderr).toEqual([
      "BUSY: values is Float32Array of length 1048571; allowed: memory that no call in progress writes.",
      "BAD_TYPE: values is Int32Array of length 2; allowed: a Float32Array or a Float64Array.",
      'BAD_TYPE: bytes is "x"; allowed: a Uint8Array.',
      "OUT_OF_RANGE: root is 2; allowed: a whole number ≥ 0 and ≤ 1.",
    ]);
    expect(code).toBe(0);
  });

  test("ranks that call with other lengths are named, and one aborts all with its code", async () => {
    const { stderr, code } = await run(2, "lengths");
    expect(stderr).toMatch(/ends the run: MPI: allreduce.*(rank 0 sent 40 bytes, rank 1 expects 44|with rank 1 on)/);
    expect(code).toBe(4);
  });

  test("one that leaves with an exit code ends the others, and says who it is", async () => {
    const { stderr, code } = await run(2, "leaves");
    expect(stderr).toContain(`etalon: rank 1 on ${host} ends the run: it leaves with exit code 3`);
    expect(code).toBe(3);
  });

  test("a process that ends in order ends MPI; one that is late is named", async () => {
    expect((await run(2, "at exit")).code).toBe(0);
    vi.stubEnv("ETALON_MPI_PATIENCE", "0.3");
    const { stderr, code } = await run(2, "late");
    vi.unstubAllEnvs();
    expect(stderr).toMatch(new RegExp(`etalon: rank 0 has waited \\d+ s in barrier for rank 1 on ${host}`));
    expect(code).toBe(0);
  });
});

test("without an addon: what to install", async () => {
  vi.stubEnv("ETALON_MPI_BINARY", "/nowhere/etalon_mpi.node");
  vi.resetModules();
  const { mpiLibrary: fresh } = await import("../../lib/mpi/mpiLibrary.ts");
  expect(await thrown(fresh)).toBe(
    'UNSUPPORTED: The MPI addon is not built here. Install Open MPI or MPICH with their headers (Debian: openmpi-bin libopenmpi-dev), then run "npx etalon-native build".',
  );
  vi.unstubAllEnvs();
  if (!missing) expect(mpiLibrary()).toMatch(/MPI.* \d+\.\d+/);
});
