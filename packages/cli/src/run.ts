import { readFileSync } from "node:fs";
import { format, inspect } from "node:util";
import { Command, CommanderError } from "commander";
import { doctorCommand } from "./commands/doctor.ts";
import { gapCommand } from "./commands/gap.ts";
import { pretrainCommand } from "./commands/pretrain.ts";
import { reportCommand } from "./commands/report.ts";
import { rewardsCommand } from "./commands/rewards.ts";
import { sampleCommand } from "./commands/sample.ts";
import { schemaCommand } from "./commands/schema.ts";
import { scoreCommand } from "./commands/score.ts";
import { serveCommand } from "./commands/serve.ts";
import { studyCommand } from "./commands/study.ts";
import { theoryCommand } from "./commands/theory.ts";
import { trainCommand } from "./commands/train.ts";
import { exit, exitCode } from "./exitCode.ts";
import { aside, remark } from "./output.ts";

/**
 * Runs the command line and gives its exit code: 0 done, 1 failed, 2 bad usage or input, 130 stopped by Ctrl-C with state saved.
 * Errors are one line on stderr; `--debug` adds the stack.
 * @param args  what follows `etalon` on the command line
 */
export async function run(args: readonly string[]): Promise<number> {
  bearClosedPipes();
  const program = new Command("etalon")
    .version(version(), "-V, --version", "print the version")
    .description(
      "Fine-tune diffusion and flow models by reinforcement learning at any sampler stochasticity, and measure the reward gap.",
    )
    .option("--debug", "print the stack of an error")
    .enablePositionalOptions()
    .showHelpAfterError("(etalon --help, or etalon COMMAND --help, lists what there is)")
    .exitOverride();
  const commands = [
    sampleCommand, trainCommand, gapCommand, studyCommand, reportCommand, serveCommand, theoryCommand,
    scoreCommand, rewardsCommand, pretrainCommand, schemaCommand, doctorCommand,
  ]; // biome-ignore format: a table
  for (const make of commands) {
    const command = make().exitOverride();
    command.option("--debug", "print the stack of an error");
    program.addCommand(command);
  }
  const putBack = bearGuests(args);
  try {
    await program.parseAsync(["node", "etalon", ...args]);
    return exit.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exit.done : exit.usage;
    remark(told(error, args));
    return exitCode(error);
  } finally {
    putBack();
  }
}

/** An error as the user sees it: a line; with --debug all of it, its causes' stacks too. */
function told(error: unknown, args: readonly string[]): string {
  if (args.includes("--debug")) return inspect(error);
  return `etalon: ${(error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, " ")}`;
}

/** While a command runs: what a reward or a library logs goes to stderr, since stdout is for data; and what it throws where nobody waits for it ends the process as any error does. @returns takes that back */
function bearGuests(args: readonly string[]): () => void {
  const { log, info, debug } = console;
  const toStderr = (...values: unknown[]) => aside(format(...values));
  const fatal = (error: unknown) => {
    const where = args.includes("--debug") ? "" : " (thrown where nothing waits for it; --debug prints where)";
    aside(`${told(error, args)}${where}`);
    process.exit(exit.failed);
  };
  Object.assign(console, { log: toStderr, info: toStderr, debug: toStderr });
  process.on("uncaughtException", fatal);
  return () => {
    Object.assign(console, { log, info, debug });
    process.off("uncaughtException", fatal);
  };
}

/** Who read stdout has had enough (`etalon schema | head`): that is no failure, and nothing is left to say. Without stderr a training goes on. */
function bearClosedPipes(): void {
  if (process.stdout.listeners("error").includes(outClosed)) return;
  process.stdout.on("error", outClosed);
  process.stderr.on("error", errClosed);
}

function outClosed(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(process.exitCode ?? exit.done);
}

function errClosed(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

const version = (): string => JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
