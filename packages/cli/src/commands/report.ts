import { renderReport } from "@etalon/gap";
import { Command } from "commander";
import { print } from "../output.ts";

/** `etalon report`: the HTML report of a run or of a study. */
export function reportCommand(): Command {
  return new Command("report")
    .description("write the report of a run or a study: one HTML file, no network")
    .argument("<folder>", "a run's or a study's folder")
    .addHelpText("after", "\nExample:\n  $ etalon report runs/quick")
    .action(async (folder: string) => print(`wrote ${await renderReport(folder)}`));
}
