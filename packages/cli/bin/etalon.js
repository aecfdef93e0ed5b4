#!/usr/bin/env node
import { existsSync } from "node:fs";

const main = new URL("../dist/index.js", import.meta.url);
if (!existsSync(main)) {
  process.stderr.write("etalon is not built yet: run `npm run build` in the repository's root.\n");
  process.exit(1);
}
const { run } = await import(main.href);
process.exitCode = await run(process.argv.slice(2));
