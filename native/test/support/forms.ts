import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Binding } from "../../lib/binding.ts";
import { portable } from "../../lib/portable/portable.ts";

const addon = fileURLToPath(new URL("../../build/Release/etalon.node", import.meta.url));

/** The forms this checkout can run: always the portable one, and the addon where it is built. */
export const forms: [string, Binding][] = [["portable", portable]];
if (existsSync(addon) && process.env.ETALON_BINARY !== "portable") {
  forms.push(["native", createRequire(import.meta.url)(addon) as Binding]);
}
