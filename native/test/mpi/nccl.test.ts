import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { bundleSource, mpiMissing, mpirun, thrown } from "@etalon/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { ncclLibrary } from "../../lib/mpi/index.ts";
import { attempt, has, root } from "../support/library.ts";

// NCCL's path among processes: over stand-ins of NCCL and CUDA (test/nccl/standin), which move messages by sockets; and NCCL itself, where the build has it, as far as a machine without GPUs goes.
const compiler = ["g++", "clang++"].find(has);
const missing = mpiMissing() ?? (compiler === undefined ? "no compiler" : undefined);
if (missing) console.warn(`SKIPPED: tests of the NCCL path among ranks: ${missing}`);
const built = join(root, "build", "Release", "etalon_nccl.so");
if (!existsSync(built)) console.warn("SKIPPED: tests of NCCL itself: the build is without it");
const host = hostname();

afterEach(() => vi.unstubAllEnvs());

describe.skipIf(missing)("the NCCL path, over stand-ins", () => {
  const folder = mkdtempSync(join(tmpdir(), "etalon-nccl-"));
  const library = join(folder, "etalon_nccl.so");
  let program: URL;
  beforeAll(async () => {
    program = await bundleSource(new URL("ncclRanks.ts", import.meta.url), new URL("../../", import.meta.url));
    const path = ["nccl/module", "nccl/device", "nccl/nccl_transport", "nccl/communicator", "mpi/collectives", "mpi/agreement", "mpi/waiting"].map((name) => join(root, "src", `${name}.cpp`)); // biome-ignore format: one thought
    const standin = join(root, "test", "nccl", "standin");
    const { status, stderr } = await attempt(compiler!, [
      ..."-std=c++20 -O1 -shared -fPIC -fvisibility=hidden -ffp-contract=off -Wall -Wextra -Werror".split(" "),
      ...[join(root, "src"), standin].flatMap((include) => ["-I", include]),
      ...[...path, ...["cuda.cpp", "nccl.cpp", "sockets.cpp"].map((name) => join(standin, name))],
      ...["-o", library, "-lpthread"],
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  }, 300_000);
  afterAll(() => {
    rmSync(folder, { recursive: true });
    rmSync(program, { force: true });
  });

  /** Runs ranks by NCCL, where nothing else is said. @param env  of all ranks */
  const run = (ranks: number, what: string, env: Record<string, string> = {}) => {
    for (const [name, value] of Object.entries({ ETALON_TRANSPORT: "nccl", ETALON_NCCL_BINARY: library, ...env })) vi.stubEnv(name, value); // biome-ignore format: one thought
    return mpirun(ranks, program, [what]).end;
  };

  test.each([2, 3, 4])("%d ranks sum to the bits that MPI gives, and gather and broadcast the same", async (ranks) => {
    const nccl = await run(ranks, "digest");
    const mpi = await run(ranks, "digest", { ETALON_TRANSPORT: "mpi" });
    expect(nccl.stdout, nccl.stderr).toMatch(/^nccl, .*MPI.*; NCCL 2\.14\.0, GPU 0 \(0000:01:00\.0\): [0-9a-f]{64}\n$/);
    expect(mpi.stdout, mpi.stderr).toMatch(/^mpi, .*: [0-9a-f]{64}\n$/);
    expect(nccl.stdout.slice(-65)).toBe(mpi.stdout.slice(-65));
    expect([nccl.code, mpi.code]).toEqual([0, 0]);
  });

  test.each([
    [
      "a rank without a GPU",
      { GPUS_OF_RANK_1: "0" },
      `UNSUPPORTED: ETALON_TRANSPORT is "nccl", and NCCL cannot be had: rank 1 on ${host}: CUDA finds no GPU: no CUDA-capable device is detected; allowed here: mpi. Each rank needs a GPU of its own, and the libraries of the build; MPI carries everything without.`,
    ],
    [
      "two ranks and one GPU",
      { ETALON_STANDIN_GPUS: "1" },
      `UNSUPPORTED: ETALON_TRANSPORT is "nccl", and NCCL cannot be had: ranks 0 and 1 on ${host} both have the GPU at 0000:01:00.0, and NCCL needs one a rank; allowed here: mpi. Each rank needs a GPU of its own, and the libraries of the build; MPI carries everything without.`,
    ],
    [
      "a library that does not load",
      { ETALON_NCCL_BINARY: join(root, "package.json") },
      `UNSUPPORTED: ETALON_TRANSPORT is "nccl", and NCCL cannot be had: rank 0 on ${host} and 1 more: ${join(root, "package.json")}: …; allowed here: mpi. Each rank needs a GPU of its own, and the libraries of the build; MPI carries everything without.`,
    ],
    [
      "ranks that ask for different transports",
      { TRANSPORT_OF_RANK_1: "mpi" },
      `PEER: ETALON_TRANSPORT is "mpi" on rank 1 on ${host} and "nccl" on rank 0 on ${host}; allowed: the same on all ranks. Open MPI hands a variable on to other machines by mpirun -x ETALON_TRANSPORT.`,
    ],
  ])("%s: refused on all ranks, which end in order", async (_, env, message) => {
    const { stdout, stderr, code } = await run(2, "refusal", env);
    const told = stdout.replace(/(?<=package\.json: )[^;]+/g, "…"); // the loader's own words
    expect(told.trim().split("\n").sort(), stderr).toEqual([`0: ${message}`, `1: ${message}`]);
    expect(code).toBe(0);
  });

  test.each([
    ["a send that fails", "send:1:2", "ncclSend, with rank 0 on HOST: unhandled system error"],
    ["a message that fails on its way", "async:1:2", "remote process exited or there was a network error"],
    ["a start that fails", "init:1:1", "ncclCommInitRankConfig: unhandled system error"],
  ])("%s ends all ranks, and says on which rank it was", async (_, fault, why) => {
    const { stderr, code } = await run(2, "failure", { ETALON_STANDIN_FAULT: fault });
    expect(stderr).toContain("ends the run: NCCL over MPI: ");
    expect(stderr).toMatch(
      new RegExp(`on rank 1 on ${host}: .*${why.replace("HOST", host)}|ends the run: .*remote process exited`),
    );
    expect(code).toBe(4);
  });

  test("a rank that is killed in the middle of a message takes the others with it", async () => {
    const { code } = await run(2, "failure", { ETALON_STANDIN_FAULT: "die:1:2" });
    expect([4, 137]).toContain(code); // whichever is first: mpirun, or the other rank, which hears of it by NCCL
  });

  test("one that leaves ends those that wait for a message by NCCL", async () => {
    const { stderr, code } = await run(2, "leaves while stuck", { ETALON_STANDIN_FAULT: "stuck:1:2" });
    expect(stderr).toContain(`etalon: rank 1 on ${host} ends the run: it leaves with exit code 3`);
    expect(code).toBe(3);
  });

  test("one that is late in the middle of a message is named", async () => {
    const { stderr, code } = await run(2, "digest", { ETALON_STANDIN_FAULT: "slow:1:2", ETALON_MPI_PATIENCE: "0.3" });
    expect(stderr).toMatch(new RegExp(`etalon: rank 0 has waited \\d+ s in allreduce for rank 1 on ${host}`));
    expect(code).toBe(0);
  });
});

test.skipIf(missing)(
  "a transport that is none, and a build without NCCL: refused before MPI begins, with what is allowed",
  async () => {
    const open = async () => {
      vi.resetModules();
      return (await import("../../lib/mpi/index.ts")).openMpi();
    };
    vi.stubEnv("ETALON_TRANSPORT", "ncll");
    expect(await thrown(open)).toBe(
      'OUT_OF_RANGE: ETALON_TRANSPORT is "ncll"; allowed: mpi, nccl. Did you mean "nccl"?',
    );
    vi.stubEnv("ETALON_TRANSPORT", "nccl");
    vi.stubEnv("ETALON_NCCL_BINARY", "/nowhere/etalon_nccl.so");
    expect(await thrown(open)).toBe(
      'UNSUPPORTED: The NCCL path is not built here. Install CUDA\'s toolkit and NCCL 2.14 or newer with its header (NCCL_HOME says where it is), and run "npx etalon-native build"; without it ETALON_TRANSPORT allows mpi alone.',
    );
  },
);

describe.skipIf(missing || !existsSync(built))("NCCL itself", () => {
  let program: URL;
  beforeAll(async () => {
    program = await bundleSource(new URL("ncclRanks.ts", import.meta.url), new URL("../../", import.meta.url));
  });
  afterAll(() => rmSync(program, { force: true }));

  test("loads and says its version without a GPU", () => {
    expect(ncclLibrary()).toMatch(/^NCCL 2\.\d+\.\d+, CUDA \d+\.\d+$/);
  });

  test("two ranks: the bits of MPI where there are two GPUs, a refusal on both where there are not", async () => {
    const { stdout: listed } = await attempt("nvidia-smi", ["-L"]);
    const gpus = listed.split("\n").filter((line) => line.startsWith("GPU ")).length;
    vi.stubEnv("ETALON_TRANSPORT", "mpi");
    const mpi = await mpirun(2, program, ["digest"]).end;
    vi.stubEnv("ETALON_TRANSPORT", "nccl");
    const { stdout, stderr, code } = await mpirun(2, program, [gpus < 2 ? "refusal" : "digest"]).end;
    if (gpus < 2)
      expect(stdout, stderr).toMatch(/^([01]: UNSUPPORTED: ETALON_TRANSPORT is "nccl", and NCCL cannot be had: .*; allowed here: mpi\. .*\n){2}$/); // biome-ignore format: one thought
    else expect(stdout.slice(-65), stderr).toBe(mpi.stdout.slice(-65));
    expect(code).toBe(0);
  });
});
