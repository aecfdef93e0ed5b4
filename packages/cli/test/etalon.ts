// The command line, for tests in a process of its own: `bundleSource` makes a program of it.
import { run } from "../src/run.ts";

process.exitCode = await run(process.argv.slice(2));
