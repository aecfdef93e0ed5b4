import { killableRun } from "./killableRun.ts";

const { EPOCHS = "60" } = process.env;
await killableRun(process.argv.at(-1) as string, (epoch) => process.stdout.write(`${epoch}\n`), Number(EPOCHS));
