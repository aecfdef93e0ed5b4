import { studySchema } from "@etalon/gap";
import { trainConfigSchema } from "@etalon/trainers";
import { Argument, Command } from "commander";
import { printJson } from "../output.ts";

/** `etalon schema`: the JSON Schema of a config. */
export function schemaCommand(): Command {
  return new Command("schema")
    .description("print the JSON Schema of a training's or a study's config")
    .addArgument(new Argument("[kind]", "which config").choices(["train", "study"]).default("train"))
    .option("--json", "print JSON, as it does without")
    .addHelpText("after", "\nExample:\n  $ etalon schema train > train.schema.json")
    .action((kind: "train" | "study") => printJson(forFiles(kind === "train" ? trainConfigSchema() : studySchema())));
}

/** A config file may name its schema, for an editor. */
function forFiles(schema: Record<string, unknown>): Record<string, unknown> {
  return { ...schema, properties: { $schema: { type: "string" }, ...(schema.properties as object) } };
}
