import { fileURLToPath } from "node:url";

/** A folder of this package's `assets`. Sources and the built file lie one level below the package's root alike. */
export const assetFolder = (name: string): string => fileURLToPath(new URL(`../assets/${name}`, import.meta.url));
