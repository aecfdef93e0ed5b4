// The command line from source, for tests in a process of its own.
import { run } from "../src/run.ts";

process.exitCode = await run(process.argv.slice(2));
