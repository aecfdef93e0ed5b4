import { renderReport } from "@etalon/gap";
import { Command } from "commander";
import { print, printJson } from "../output.ts";

/** `etalon report`: the HTML report of a run or of a study. */
export function reportCommand(): Command {
  return new Command("report")
    .description("write the report of a run or a study: one HTML file, no network")
    .argument("<folder>", "a run's or a study's folder")
    .option("--json", "print where it is as JSON")
    .addHelpText("after", "\nExample:\n  $ etalon report runs/quick")
    .action(async (folder: string, { json }: { json?: boolean }) => {
      const report = await renderReport(folder);
      if (json) printJson({ report });
      else print(`wrote ${report}`);
    });
}
