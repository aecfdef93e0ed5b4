import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "@etalon/weights";

const root = new URL("../golden/", import.meta.url);

/** The path of a golden file in this package's golden/ folder; its README says whose values they are. */
export const goldenPath = (name: string): string => fileURLToPath(new URL(name, root));

/** A golden JSON document. The caller states its shape. */
export const goldenJson = <T>(name: string): T => JSON.parse(readFileSync(goldenPath(name), "utf8")) as T;

/** A golden safetensors file, by tensor name. */
export const goldenTensors = (name: string) => readSafetensors(goldenPath(name));
