import { killableRun } from "./killableRun.ts";

await killableRun(process.argv.at(-1) as string, (epoch) => process.stdout.write(`${epoch}\n`));
