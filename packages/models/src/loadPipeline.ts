import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { currentEngine, engine } from "@etalon/engine";
import { EtalonError, nearest } from "@etalon/errors";
import type { Pipeline } from "./Pipeline.ts";
import { TinyPipeline } from "./tiny/TinyPipeline.ts";

/** Models that the package carries, by name. */
const builtIn: Readonly<Record<string, string>> = {
  tiny: fileURLToPath(new URL("../assets/tiny", import.meta.url)),
};

/**
 * Loads a text-to-image pipeline: 'tiny', which is built in, or a folder whose config.json names an architecture that this package has. Loads the default engine
 * where none is current yet.
 * @throws EtalonError NOT_FOUND: no such name or folder; BAD_FILE: a file that does not fit; UNSUPPORTED: another architecture
 */
export async function loadPipeline(dirOrName: string): Promise<Pipeline> {
  if (!currentEngine()) await engine();
  const folder = builtIn[dirOrName] ?? dirOrName;
  const file = join(folder, "config.json");
  if (!existsSync(file)) {
    const near = nearest(dirOrName, Object.keys(builtIn));
    throw new EtalonError("NOT_FOUND", {
      argument: "model",
      value: dirOrName,
      allowed: `${Object.keys(builtIn).join(", ")}, or a folder with a config.json`,
      hint: near === undefined ? undefined : `Did you mean ${JSON.stringify(near)}?`,
    });
  }
  const name = className(file);
  if (name === "TinyTransformer2DModel") return TinyPipeline.load(folder);
  throw new EtalonError("UNSUPPORTED", {
    argument: `_class_name in ${file}`,
    value: name,
    allowed: "TinyTransformer2DModel",
  });
}

function className(file: string): unknown {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>)._class_name;
  } catch (cause) {
    throw new EtalonError(
      "BAD_FILE",
      { argument: "model", value: file, allowed: "a config.json that is JSON" },
      { cause },
    );
  }
}
