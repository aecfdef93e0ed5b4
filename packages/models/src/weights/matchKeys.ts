import { EtalonError } from "@etalon/errors";
import type { ParameterSpec } from "../nn/layout.ts";
import type { WeightSource } from "./WeightSource.ts";

/** How a file may spell a parameter: from its own name to others that mean the same. */
export type Aliases = (name: string) => readonly string[];

/** Buffers that files of the hub carry and that are no parameters. */
const buffers = /(^|\.)(position_ids|causal_mask|attn_mask)$/;

/** What training scripts put around a model's names. */
const wrappers = ["state_dict", "model_state_dict", "module", "model", "_orig_mod"];

/** What stands before a model's names in a file, 'state_dict.module.', say; '' where nothing does, undefined where no name of the model is found behind any of these. */
function wrapperOf(names: readonly string[], isKnown: (name: string) => boolean, depth = 0): string | undefined {
  if (names.some(isKnown)) return "";
  if (depth > 3) return undefined;
  for (const wrapper of wrappers.map((word) => `${word}.`)) {
    const inner = names.filter((name) => name.startsWith(wrapper)).map((name) => name.slice(wrapper.length));
    const found = inner.length > 0 ? wrapperOf(inner, isKnown, depth + 1) : undefined;
    if (found !== undefined) return wrapper + found;
  }
  return undefined;
}

/**
 * Which key of a source holds which parameter. Every parameter has to have one, of its shape, and every key has to be used.
 * Where all of the model's names stand behind a wrapper of a training script ('state_dict.', 'module.'), what else the checkpoint holds, an optimiser, say, is left aside.
 * @throws EtalonError BAD_FILE: names what is missing, what is too many and what has another shape
 */
export function matchKeys(source: WeightSource, specs: Iterable<ParameterSpec>, aliases: Aliases): Map<string, string> {
  const all = [...specs].map((spec) => ({ ...spec, spellings: [spec.name, ...aliases(spec.name)] }));
  const known = new Set(all.flatMap(({ spellings }) => spellings));
  const prefix = wrapperOf(source.names, (name) => known.has(name)) ?? "";
  const unused = new Set(source.names.filter((name) => name.startsWith(prefix) && !buffers.test(name)));
  const keys = new Map<string, string>();
  const missing: string[] = [];
  const misshapen: string[] = [];
  for (const { name, shape, spellings } of all) {
    const key = spellings.map((spelling) => prefix + spelling).find((spelling) => unused.has(spelling));
    if (key === undefined) {
      missing.push(name);
      continue;
    }
    unused.delete(key);
    keys.set(name, key);
    const found = source.info(key).shape;
    if (!isSame(found, shape)) misshapen.push(`${key} is [${found.join(", ")}] and should be [${shape.join(", ")}]`);
  }
  if (missing.length + unused.size + misshapen.length === 0) return keys;
  const parts = [
    told("missing", missing),
    told("unexpected", [...unused]),
    told(misshapen.length === 1 ? "of another shape" : "of other shapes", misshapen),
  ].filter((part) => part !== "");
  throw new EtalonError(
    "BAD_FILE",
    { argument: "weights", value: { missing, unexpected: [...unused], misshapen }, allowed: "just the parameters that the config tells" },
    { message: `${source.place} does not fit its config: ${parts.join("; ")}.` },
  ); // biome-ignore format: one thought
}

/** A linear layer may be stored as a convolution of one pixel, and the other way about. */
function isSame(found: readonly number[], wanted: readonly number[]): boolean {
  const bare = (shape: readonly number[]) =>
    shape.length === 4 && shape[2] === 1 && shape[3] === 1 ? shape.slice(0, 2) : shape;
  return bare(found).join() === bare(wanted).join();
}

const shown = 12;

function told(what: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const more = names.length > shown ? `, and ${names.length - shown} more` : "";
  return `${names.length} ${what}: ${names.slice(0, shown).join(", ")}${more}`;
}
