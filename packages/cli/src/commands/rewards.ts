import { rewardNames } from "@etalon/rewards";
import { Command } from "commander";
import { print, printJson } from "../output.ts";

/** `etalon rewards list`: the rewards known by name. */
export function rewardsCommand(): Command {
  const list = new Command("list")
    .description("list the rewards known by name")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  $ etalon rewards list")
    .action(({ json }: { json?: boolean }) => {
      const names = rewardNames();
      if (json) printJson(names);
      else print(...names.map(({ name, description }) => `${name.padEnd(24)} ${description}`));
    });
  return new Command("rewards")
    .description("what can be trained on and measured")
    .addCommand(list)
    .addHelpText("after", "\nExample:\n  $ etalon rewards list");
}
