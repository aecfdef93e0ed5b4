import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** A package's file as the user's project sees it: from the folder that ETALON_TFJS_NODE names, then from the working folder; undefined where it is in neither. */
export function resolveFromUser(name: string): string | undefined {
  const roots = [process.env.ETALON_TFJS_NODE, process.cwd()].filter((root) => root !== undefined && existsSync(root));
  for (const root of roots) {
    try {
      return createRequire(join(root as string, "package.json")).resolve(name);
    } catch {
      // not there: look in the next
    }
  }
  return undefined;
}
