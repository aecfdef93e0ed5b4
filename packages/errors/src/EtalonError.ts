/** What went wrong, in one word that scripts may rely on. A code is for ever: add, never rename. */
export type ErrorCode =
  | "OUT_OF_RANGE" // a number or a choice outside what is allowed
  | "BAD_SHAPE" // a length, rank or size that does not fit the others
  | "BAD_TYPE" // a value of the wrong kind or dtype
  | "BAD_FILE" // a file that is not what it should be: cut, corrupt, of another format
  | "BAD_CONFIG" // a config that does not fit its schema
  | "NOT_FOUND" // a file, model, reward or preset that does not exist
  | "EXISTS" // something that would be overwritten
  | "BUSY" // a resource that another process holds
  | "UNSUPPORTED" // a valid request that this build or engine cannot serve
  | "BAD_REWARD" // a reward function that threw or gave a wrong answer
  | "NOT_FINITE" // a computation that gave NaN or infinity
  | "SELF_CHECK" // a start-up check that failed
  | "IO" // the system refused to read or write
  | "DENIED" // a server that wants a token, or one with more rights
  | "ABORTED" // stopped by the caller
  | "PEER" // another process of the same run that is gone, has given up or does something else
  | "NATIVE"; // the native library failed: a fault of ours

/** The facts of an error, for programs. */
export interface ErrorDetail {
  /** The argument at fault, as the caller wrote it. */
  argument?: string;
  /** What was given. */
  value?: unknown;
  /** What is allowed, in words. */
  allowed?: string;
  /** What to do about it: one sentence, with its full stop. */
  hint?: string;
}

const mark = Symbol.for("@etalon/errors/EtalonError");

/**
 * The one error class of Etalon: it names the argument, the value given and what is allowed.
 * Known across installed copies by a `Symbol.for` mark: test with `EtalonError.is(e)`, not `instanceof`.
 */
export class EtalonError extends Error {
  override readonly name = "EtalonError";
  readonly code: ErrorCode;
  readonly detail: ErrorDetail;

  /** @param message  overrides the sentence made from `detail`; for errors that are about no single argument */
  constructor(code: ErrorCode, detail: ErrorDetail, options: { message?: string; cause?: unknown } = {}) {
    super(options.message ?? sentence(detail), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = detail;
    Object.defineProperty(this, mark, { value: true });
  }

  /** Whether `error` is an EtalonError, of this or of any other installed copy of the package. */
  static is(error: unknown): error is EtalonError {
    return typeof error === "object" && error !== null && mark in error;
  }
}

function sentence({ argument, value, allowed, hint }: ErrorDetail): string {
  const what = argument === undefined ? show(value) : `${argument} is ${show(value)}`;
  return [`${what}${allowed === undefined ? "" : `; allowed: ${allowed}`}.`, hint].filter(Boolean).join(" ");
}

/** A value as it stands in a message: short, on one line, strings quoted. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(clip(value, 80));
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `function ${value.name || "(anonymous)"}`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of length ${(value as Uint8Array).length}`;
  if (Array.isArray(value) || (typeof value === "object" && value !== null)) return clip(json(value), 80);
  return String(value);
}

function json(value: object): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value); // cyclic
  }
}

const clip = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
