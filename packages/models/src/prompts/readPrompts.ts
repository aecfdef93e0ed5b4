import { readFileSync } from "node:fs";
import { basename, extname } from "node:path";
import { EtalonError } from "@etalon/errors";
import { CsvError, parse } from "csv-parse/sync";
import type { Prompt } from "./Prompt.ts";

/**
 * The prompts of a file, in its order:
 * - .jsonl: a line each, a JSON string, or an object with "prompt", perhaps "heldOut": true or false; its other keys are metadata
 * - .csv: a header line with a column prompt, perhaps heldOut (true, false, 1, 0 or empty); its other columns are metadata
 * - any other: plain text, a prompt a line; empty lines and lines that begin with # are left out
 * @throws EtalonError BAD_FILE: names the line that is not of that form; no UTF-8; no prompt in it
 */
export function readPrompts(file: string): Prompt[] {
  const text = decode(file);
  const read = { ".jsonl": fromJsonl, ".csv": fromCsv }[extname(file).toLowerCase()] ?? fromText;
  const prompts = read(text, basename(file));
  if (prompts.length > 0) return prompts;
  throw new EtalonError("BAD_FILE", { argument: "prompts", value: file, allowed: "a file with at least one prompt" });
}

function decode(file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file)); // a byte order mark is left out
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new EtalonError("BAD_FILE", { argument: "prompts", value: file, allowed: "a text file in UTF-8" }, { cause });
  }
}

const linesOf = (text: string): string[] => text.split(/\r?\n/).map((line) => line.trim());

const fromText = (text: string): Prompt[] =>
  linesOf(text).flatMap((line, i) => (line === "" || line.startsWith("#") ? [] : [{ text: line, line: i + 1 }]));

function fromJsonl(text: string, name: string): Prompt[] {
  return linesOf(text).flatMap((line, i) => (line === "" ? [] : [promptOf(jsonOf(line, i + 1, name), i + 1, name)]));
}

function jsonOf(line: string, number: number, name: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    const hint = `${cause instanceof Error ? cause.message : cause}.`;
    throw bad(number, name, line, "a JSON string, or a JSON object with prompt", hint);
  }
}

function promptOf(value: unknown, line: number, name: string): Prompt {
  if (typeof value === "string") return { text: textOf(value, line, name), line };
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw bad(line, name, value, "a JSON string, or a JSON object with prompt");
  const { prompt, heldOut, ...metadata } = value as Record<string, unknown>;
  if (heldOut !== undefined && typeof heldOut !== "boolean")
    throw bad(line, `${name}: heldOut`, heldOut, "true or false");
  return { text: textOf(prompt, line, name), ...(heldOut !== undefined && { heldOut }), ...(Object.keys(metadata).length > 0 && { metadata }), line }; // biome-ignore format: one thought
}

const flags: Readonly<Record<string, boolean | undefined>> = { true: true, "1": true, false: false, "0": false, "": undefined }; // biome-ignore format: a table

function fromCsv(text: string, name: string): Prompt[] {
  return recordsOf(text, name).map(({ record: { prompt, heldOut = "", ...metadata }, info: { lines: line } }) => {
    const flag = heldOut.toLowerCase();
    if (!(flag in flags)) throw bad(line, `${name}: heldOut`, heldOut, "true, false, 1, 0 or nothing");
    const known = flags[flag];
    return { text: textOf(prompt, line, name), ...(known !== undefined && { heldOut: known }), ...(Object.keys(metadata).length > 0 && { metadata }), line }; // biome-ignore format: one thought
  });
}

/** The records of a table by its header, each with the line that it ends on. */
function recordsOf(text: string, name: string): { record: Record<string, string>; info: { lines: number } }[] {
  const header = (columns: string[]) => {
    if (!columns.includes("prompt")) throw bad(1, name, columns.join(","), "a header line with a column prompt");
    return columns;
  };
  try {
    return parse(text, { columns: header, skip_empty_lines: true, trim: true, info: true }) as never;
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = typeof cause.lines === "number" ? cause.lines : 1;
    throw bad(line, name, linesOf(text)[line - 1], "a record of the header's columns", `${cause.message.replace(/\.?$/, ".")}`); // biome-ignore format: one thought
  }
}

function textOf(prompt: unknown, line: number, name: string): string {
  if (typeof prompt === "string" && prompt.trim() !== "") return prompt.trim();
  throw bad(line, `${name}: prompt`, prompt, "a text that is not empty");
}

const bad = (line: number, name: string, value: unknown, allowed: string, hint?: string) =>
  new EtalonError("BAD_FILE", { argument: `line ${line} of ${name}`, value, allowed, hint });
