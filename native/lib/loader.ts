import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { EtalonError } from "@etalon/errors";
import type { Binding } from "./binding.ts";
import { portable } from "./portable/portable.ts";

/** One place where the loader looked, and what it found there. */
export interface Attempt {
  /** ETALON_BINARY, local build, prebuild or portable. */
  source: string;
  /** A file, or "TypeScript". */
  path: string;
  /** "loaded", "not found", or what the system said. */
  outcome: string;
}

/** The number of the addon's functions and their arguments: src/addon/addon.cpp has it, too. */
const expected = 2;

let chosen: { binding: Binding; attempts: Attempt[] } | undefined;

/**
 * Every place the loader looked at, in order, up to the one in use: for `etalon doctor`.
 * @throws EtalonError BAD_FILE, NOT_FOUND: ETALON_BINARY names a file that cannot be loaded; UNSUPPORTED: as loadBinding
 */
export function attempts(): Attempt[] {
  loadBinding();
  return chosen!.attempts.map((attempt) => ({ ...attempt }));
}

/**
 * The binding of this process, found once: ETALON_BINARY (a path, or "portable") → local build → prebuild → portable form, which warns once.
 * A binary that is there and does not load is named in the warning; one that the user named is an error.
 * @throws EtalonError UNSUPPORTED: a binary was built from other sources than these, and would take other arguments
 */
export function loadBinding(): Binding {
  chosen ??= find();
  return chosen.binding;
}

function find(): { binding: Binding; attempts: Attempt[] } {
  const forced = process.env.ETALON_BINARY;
  const tried: Attempt[] = [];
  const settle = (binding: Binding) => {
    binding.info(); // refuses an ETALON_TARGET or ETALON_NUM_THREADS that cannot be served
    return { binding, attempts: tried };
  };
  if (forced === "portable") {
    tried.push({ source: "ETALON_BINARY", path: "TypeScript", outcome: "loaded" });
    return settle(portable);
  }
  if (forced !== undefined && forced !== "") {
    const binding = attempt("ETALON_BINARY", resolve(forced), tried);
    if (binding !== undefined) return settle(binding);
    const { outcome } = tried[0];
    throw new EtalonError(outcome === "not found" ? "NOT_FOUND" : "BAD_FILE", {
      argument: "ETALON_BINARY",
      value: forced,
      allowed: 'the path of an etalon.node, or "portable"',
      hint: outcome === "not found" ? "No such file." : `${outcome}.`,
    });
  }
  for (const [source, path] of places()) {
    const binding = attempt(source, path, tried);
    if (binding !== undefined) return settle(binding);
  }
  tried.push({ source: "portable", path: "TypeScript", outcome: "loaded" });
  warn(tried);
  return settle(portable);
}

/** Seen from lib/ and from dist/ alike. */
function places(): [string, string][] {
  const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  return [
    ["local build", file("../build/Release/etalon.node")],
    ["prebuild", file(`../prebuilds/${process.platform}-${process.arch}/etalon.node`)],
  ];
}

function attempt(source: string, path: string, tried: Attempt[]): Binding | undefined {
  if (!existsSync(path)) {
    tried.push({ source, path, outcome: "not found" });
    return undefined;
  }
  let binding: Binding;
  try {
    binding = createRequire(import.meta.url)(path);
  } catch (error) {
    tried.push({ source, path, outcome: error instanceof Error ? error.message.split("\n")[0] : String(error) });
    return undefined;
  }
  if (binding.interface !== expected) throw stranger(path, binding.interface);
  tried.push({ source, path, outcome: "loaded" });
  return wrapped(binding);
}

/** Not a case for the portable form: whoever built an addon wants one, and slow answers would hide that it is old. */
function stranger(path: string, found: number | undefined): EtalonError {
  const message = `${path} was built from other sources than this @etalon/native: its interface is ${found ?? "older than 1"}, and ${expected} is needed. Run "npx etalon-native build" (in the repository: "npm run build -w native") to build it again.`;
  return new EtalonError(
    "UNSUPPORTED",
    { argument: "addon", value: path, allowed: `interface ${expected}` },
    { message },
  );
}

/** The addon's answer to `info` is an error where the environment asks for what it cannot serve: that is the user's to mend. */
function wrapped(binding: Binding): Binding {
  return {
    ...binding,
    info() {
      try {
        return binding.info();
      } catch (error) {
        const message = error instanceof Error ? `${error.message}.` : String(error);
        throw new EtalonError("UNSUPPORTED", {}, { message, cause: error });
      }
    },
  };
}

function warn(tried: Attempt[]): void {
  const failed = tried.filter(({ outcome }) => outcome !== "not found" && outcome !== "loaded");
  const why =
    failed.length === 0
      ? "no binary fits this machine"
      : failed.map(({ path, outcome }) => `${path}: ${outcome}`).join("; ");
  process.emitWarning(
    `@etalon/native uses its portable form, some ten times slower: ${why}. With CMake and a C++ compiler, "npx etalon-native build" makes one.`,
    { code: "ETALON_PORTABLE" },
  );
}
