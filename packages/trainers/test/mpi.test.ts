import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { bundleSource, mpiMissing, mpirun, runTrace } from "@etalon/testkit";
import { expect, test } from "vitest";
import { soloCommunicator } from "../src/index.ts";
import { rankedRun } from "./rankedRun.ts";

const missing = mpiMissing();
if (missing) console.warn(`SKIPPED: training by MPI: ${missing}`);

test.skipIf(missing)(
  "ranks of MPI train to the bits of one process; also where one is killed, all are told to stop, and their number changes on the way",
  async () => {
    const root = mkdtempSync(join(tmpdir(), "etalon-mpi-"));
    const program = await bundleSource(new URL("rankProgram.ts", import.meta.url), new URL("../", import.meta.url));
    const [whole, cut] = [join(root, "whole"), join(root, "cut")];
    try {
      await rankedRun(whole, soloCommunicator);

      const killed = await mpirun(2, program, ["die", cut]).end; // rank 1, after epoch 5
      expect(killed.code).not.toBe(0);
      expect(killed.stderr).toMatch(new RegExp(`rank 1 .*${hostname()} exited on signal 9`));
      expect(readdirSync(join(cut, "checkpoints"))).toContain("000004");

      const stopped = mpirun(4, program, ["wait", cut], (text) => text.includes("epoch 6") && stopped.child.kill("SIGUSR2")); // biome-ignore format: one thought
      const { stdout, stderr } = await stopped.end;
      expect(stdout, stderr).toMatch(/epoch 5\nepoch 6\n(epoch \d\n)*EtalonError: The run was stopped\.\n$/);
      expect(stdout).not.toContain("epoch 10");

      const rest = await mpirun(2, program, ["train", cut]).end;
      expect(rest.stdout, rest.stderr).toMatch(/^epoch [789]\n(.*\n)*epoch 10\n$/);
      expect(rest.code).toBe(0);
      expect(runTrace(cut)).toEqual(runTrace(whole));
    } finally {
      rmSync(root, { recursive: true, force: true });
      rmSync(program, { force: true });
    }
  },
);
