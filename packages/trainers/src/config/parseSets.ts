import { EtalonError } from "@etalon/errors";
import { mergeConfig } from "./mergeConfig.ts";

/**
 * The config that a list of `a.b=c` stands for: `["train.epochs=6", "reward=tiny-clip"]` is `{train: {epochs: 6}, reward: "tiny-clip"}`. A value that is JSON is
 * read as JSON, any other as text; later ones win.
 * @throws EtalonError BAD_CONFIG: an entry that is not of that form
 */
export function parseSets(sets: readonly string[]): Record<string, unknown> {
  return sets.map(parseSet).reduce(mergeConfig, {});
}

function parseSet(set: string): Record<string, unknown> {
  const [, path, text] = /^([^=]+)=(.*)$/s.exec(set) ?? [];
  const keys = path?.trim().split(".") ?? [""];
  if (keys.some((key) => !/^\w+$/.test(key) || key === "__proto__"))
    throw new EtalonError("BAD_CONFIG", { argument: "--set", value: set, allowed: "key.key=value, as train.epochs=6" });
  return keys.reduceRight<unknown>((value, key) => ({ [key]: value }), readValue(text)) as Record<string, unknown>;
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
