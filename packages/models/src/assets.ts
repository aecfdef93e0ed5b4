import { fileURLToPath } from "node:url";

/** The package's folder of assets. This file lies as deep as the built ones do: from a folder of src the way would be another one once it is built. */
export const assets = fileURLToPath(new URL("../assets", import.meta.url));
