import { rmSync } from "node:fs";
import { bundleSource, mpiMissing, mpirun } from "@etalon/testkit";
import { expect, test } from "vitest";

const missing = mpiMissing();
if (missing) console.warn(`SKIPPED: the command line among ranks: ${missing}`);

test.skipIf(missing)("mpirun etalon train: what all ranks refuse is told once, with its exit code", async () => {
  const program = await bundleSource(new URL("etalon.ts", import.meta.url), new URL("../", import.meta.url));
  try {
    const args = ["train", "--preset", "tiny-ddpo", "--set", "train.epoch=2", "-o", "/nowhere/run"];
    const { code, stdout, stderr } = await mpirun(2, program, args).end;
    expect(stdout, stderr).not.toContain("run");
    expect(code).toBe(2);
    const own = stderr.split("\n").filter((line) => line.startsWith("etalon"));
    expect(own).toEqual([expect.stringContaining('Did you mean "train.epochs"?')]);
    expect(stderr.match(/^(mpirun leaves a second|SIGUSR2 to mpirun)/gm)).toHaveLength(1);
  } finally {
    rmSync(program, { force: true });
  }
});
