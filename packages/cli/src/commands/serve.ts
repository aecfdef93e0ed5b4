import { EtalonError } from "@etalon/errors";
import { serveRuns } from "@etalon/gap";
import { Command } from "commander";
import { number } from "../options.ts";
import { print, printJson } from "../output.ts";

/** `etalon serve`: a live page of running runs, for browsers of this machine. */
export function serveCommand(): Command {
  return new Command("serve")
    .description("show the runs of a folder as they go, on a page at 127.0.0.1; /metrics is for Prometheus")
    .argument("<folder>", "a run's folder, or one with runs in it")
    .option(
      "--port <number>",
      "port to listen at; 0 takes a free one",
      number("port", { min: 0, max: 65535, integer: true }),
      0,
    )
    .option("--json", "print the address as JSON")
    .addHelpText("after", "\nExample:\n  $ etalon serve runs --port 8080")
    .action(run);
}

async function run(dir: string, { port, json }: { port: number; json?: boolean }): Promise<void> {
  const server = await serveRuns({ dir, port });
  if (json) printJson({ url: server.url, metrics: `${server.url}metrics` });
  else print(`the runs of ${dir} are shown at ${server.url} (Ctrl-C ends it)`);
  await stopped();
  await server.close();
  throw new EtalonError("ABORTED", {}, { message: "The server was stopped." });
}

/** Waits for Ctrl-C or SIGTERM. */
function stopped(): Promise<void> {
  return new Promise((settle) => {
    const heard = () => {
      process.off("SIGINT", heard).off("SIGTERM", heard);
      settle();
    };
    process.on("SIGINT", heard).on("SIGTERM", heard);
  });
}
