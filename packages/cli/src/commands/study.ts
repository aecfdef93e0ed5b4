import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import { parseStudyConfig, printStudyTable, runStudy, studyPresets } from "@etalon/gap";
import { fetchModel } from "@etalon/models";
import { Command } from "commander";
import { assignment, type ConfigOptions } from "../options.ts";
import { print, printJson, remark } from "../output.ts";
import { readConfig } from "../readConfig.ts";
import { watched } from "../watched.ts";

/** `etalon study`: trains at several η and measures the reward gap along the way. */
export function studyCommand(): Command {
  return new Command("study")
    .description("train at several eta, measure the reward gap before, during and after, and write a report")
    .argument("[config]", "a config file (JSON), or - for stdin; `etalon schema study` tells its form")
    .option("--preset <name>", `a study that the package carries: ${Object.keys(studyPresets).join(", ")}`)
    .option("--set <key=value>", "override one key; repeatable", assignment)
    .option("-o, --output <folder>", "where the study goes (runs/NAME where left out)")
    .option("--resume", "go on with a study that was stopped: what is done is not done again")
    .option("--json", "print study.json")
    .addHelpText("after", "\nExample:\n  $ etalon study --preset quick -o runs/quick")
    .action(run);
}

async function run(
  file: string | undefined,
  { preset, set = [], output, resume = false, json }: ConfigOptions,
): Promise<void> {
  const config = parseStudyConfig(source(file, preset), set);
  const out =
    output ?? join("runs", `${preset ?? "study"}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}`);
  const study = await watched({ json, engine: config.engine }, async ({ engine, signal, onProgress }) => {
    const smaller = preset === "quick" && engine.slow;
    if (!json)
      remark(`${smaller ? `${engine.name} is slow: the smaller study quick-wasm; ` : ""}the study goes to ${out}`);
    const fitting = smaller ? parseStudyConfig(studyPresets["quick-wasm"], set) : config;
    const variants = new Set(
      fitting.trainings.map(({ train }) => (typeof train.variant === "string" ? train.variant : undefined)),
    );
    for (const variant of variants) await fetchModel(fitting.model, { variant, signal, onProgress }); // here, for its progress; each worker finds it in the cache
    return runStudy({ config: fitting, out, resume, signal, onProgress });
  });
  if (json) printJson(study);
  else print(printStudyTable(study), "", `the report is ${join(out, "report.html")}`);
}

function source(file: string | undefined, preset: string | undefined): unknown {
  if ((file === undefined) === (preset === undefined)) {
    throw new EtalonError("OUT_OF_RANGE", {
      argument: "config",
      value: file,
      allowed: "either a config file or --preset",
    });
  }
  if (file !== undefined) return readConfig(file);
  if ((preset as string) in studyPresets) return studyPresets[preset as keyof typeof studyPresets];
  throw new EtalonError("NOT_FOUND", {
    argument: "preset",
    value: preset,
    allowed: Object.keys(studyPresets).join(", "),
  });
}
