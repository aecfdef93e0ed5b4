import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { has, root, run } from "../support/library.ts";

const missing = has("cmake") && has("c++") ? undefined : "no CMake, or no C++ compiler";
if (missing) console.warn(`SKIPPED: tests of broken MPIs: ${missing}`);
const folder = mkdtempSync(join(tmpdir(), "etalon-broken-mpi-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const answering = (include: string, link: string) => `case "$1" in
-showme:compile) echo -I${include};;
-showme:link) echo ${link};;
*) exec c++ "$@";;
esac`;

/** An MPI's compiler, and its header, by what is wrong with it. */
const broken: Record<string, (include: string) => { compiler: string; header?: string }> = {
  "its compiler fails": () => ({ compiler: "exit 1" }),
  "its header is not there": (include) => ({ compiler: answering(include, "-lm") }),
  "its header does not compile": (include) => ({ compiler: answering(include, "-lm"), header: '#error "made for another machine"' }),
  "its library is not there": (include) => ({ compiler: answering(include, "-letalon_no_such_mpi"), header: "int MPI_Init();" }),
}; // biome-ignore format: a table

test.skipIf(missing).each(Object.entries(broken))("an MPI that is there, but %s: its addon alone is left out, that is said, and none of an earlier build stays", async (what, make) => {
  const home = join(folder, what.replaceAll(" ", "-"));
  const [bin, include, release] = [["bin"], ["include"], ["build", "Release"]].map((parts) => join(home, ...parts));
  for (const path of [bin, include, release]) mkdirSync(path, { recursive: true });
  const { compiler, header } = make(include);
  for (const name of ["mpicc", "mpicxx"]) writeFileSync(join(bin, name), `#!/bin/sh\n${compiler}\n`, { mode: 0o755 });
  if (header) writeFileSync(join(include, "mpi.h"), `${header}\n`);
  const earlier = join(release, "etalon_mpi.node");
  writeFileSync(earlier, "");
  const args = ["-S", join(root, "test", "mpi", "broken"), "-B", join(home, "build"), `-DMPI_CXX_COMPILER=${join(bin, "mpicxx")}`]; // biome-ignore format: one thought
  const said = await run("cmake", args, { env: { ...process.env, MPI_HOME: home } });
  expect(said).toContain(`-- MPI: the addon etalon_mpi.node is left out: ${join(bin, "mpicc")} is there, but a program of MPI does not compile and link with it\n`); // biome-ignore format: one thought
  expect(existsSync(earlier)).toBe(false);
}); // biome-ignore format: a long line
