import { existsSync } from "node:fs";
import { parse, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { check, EtalonError } from "@etalon/errors";
import { httpReward } from "./httpReward.ts";
import { defineReward, isReward, type Reward } from "./Reward.ts";
import { type RewardOptions, registry } from "./registry.ts";

/** The rewards that `loadReward` knows by name, with what they measure, in one line each. */
export const rewardNames = (): { name: string; description: string }[] =>
  Object.entries(registry).map(([name, { description }]) => ({ name, description }));

/**
 * Loads a reward: a name of `rewardNames()`, a JavaScript module ("./my-reward.js", from the working folder) that default-exports a reward, or a function as `defineReward` takes, which is then
 * named for the file; or an http(s) URL that answers as `httpReward` asks.
 * @param options  for the named rewards
 * @throws EtalonError NOT_FOUND: no such name (with the nearest one) or file; BAD_FILE: the module does not load, or exports neither; OUT_OF_RANGE: an option the
 *   reward does not have
 */
export async function loadReward(nameOrFile: string, options: RewardOptions = {}): Promise<Reward> {
  check.text("reward", nameOrFile);
  if (/^https?:/i.test(nameOrFile)) return httpReward({ url: nameOrFile });
  if (isFile(nameOrFile)) return loadFile(nameOrFile);
  const { load, options: known } = registry[check.oneOf("reward", nameOrFile, Object.keys(registry), "NOT_FOUND")];
  for (const key of Object.keys(options)) check.oneOf(`option of ${nameOrFile}`, key, known);
  return load(options);
}

const isFile = (name: string) =>
  !(name in registry) && (/^(\.|\/|[a-z]:\\)|[\\/]/i.test(name) || /\.[mc]?[jt]s$/.test(name));

async function loadFile(file: string): Promise<Reward> {
  const path = resolve(file);
  if (!existsSync(path))
    throw new EtalonError("NOT_FOUND", {
      argument: "reward",
      value: file,
      allowed: "a file that exists, or a name",
      hint: `Looked for ${path}.`,
    });
  let module: { default?: unknown };
  try {
    module = await import(/* @vite-ignore */ pathToFileURL(path).href);
  } catch (cause) {
    if (EtalonError.is(cause)) throw cause;
    const hint = `It does not load: ${cause instanceof Error ? cause.message.split("\n")[0] : cause}.`;
    throw new EtalonError(
      "BAD_FILE",
      { argument: "reward", value: file, allowed: "a JavaScript module", hint },
      { cause },
    );
  }
  const given = module.default;
  if (isReward(given)) return given;
  if (typeof given === "function") return defineReward(parse(path).name, given as Parameters<typeof defineReward>[1]);
  throw new EtalonError("BAD_FILE", {
    argument: "reward",
    value: file,
    allowed: "a module whose default export is a reward or a function",
    hint: "export default (images, prompts) => scores;",
  });
}
