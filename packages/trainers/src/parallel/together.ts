import { type ErrorCode, type ErrorDetail, EtalonError } from "@etalon/errors";
import type { Communicator } from "./Communicator.ts";
import { gather } from "./gather.ts";

/** What one rank came to. */
type Outcome<T> = { shared: T | undefined } | { error: { code: ErrorCode; detail: ErrorDetail; message: string } };

const agreed = new WeakSet<object>();

/** Whether all ranks know of an error and threw it alike: none has to be told. */
export const isAgreed = (error: unknown): boolean => typeof error === "object" && error !== null && agreed.has(error);

/** Marks an error that every rank throws alike, since all know what it comes from. */
export function agree<E extends object>(error: E): E {
  agreed.add(error);
  return error;
}

/**
 * Every rank does its part; then each has its own value and what all shared, by rank; or all throw: the error of the first rank that failed, which it names. So that no rank waits for
 * one that has given up. That a rank was told to stop (ABORTED) gives way to any other error.
 * @param part  is given a function that says what the others shall have of it: anything that structured clone takes
 */
export async function together<T, S = undefined>(
  communicator: Communicator,
  part: (share: (value: S) => void) => T | Promise<T>,
): Promise<[own: T, shared: S[]]> {
  let shared: S | undefined;
  const run = () =>
    part((value) => {
      shared = value;
    });
  if (communicator.size === 1) return [await run(), [shared as S]];
  let own: T | undefined;
  let thrown: unknown;
  let outcome: Outcome<S>;
  try {
    own = await run();
    outcome = { shared };
  } catch (error) {
    thrown = error;
    outcome = { error: plain(error) };
  }
  const outcomes = await gather(communicator, outcome);
  const failed = outcomes.flatMap((one, rank) => ("error" in one ? [{ rank, ...one.error }] : []));
  const first = failed.find(({ code }) => code !== "ABORTED") ?? failed[0];
  if (first === undefined) return [own as T, outcomes.map((one) => (one as { shared: S }).shared)];
  const { rank, code, detail, message } = first;
  const place = failed.length === communicator.size ? "" : `Rank ${rank} on ${communicator.hosts[rank]}: `;
  throw agree(new EtalonError(code, detail, { message: `${place}${message}`, cause: thrown }));
}

/** Every rank does its part and has its own value, or all throw, as `together` does. */
export async function allOrNone<T>(communicator: Communicator, part: () => T | Promise<T>): Promise<T> {
  const [own] = await together(communicator, part);
  return own;
}

/** The first rank does something alone, and all have its value, which structured clone must take; or all throw its error. */
export async function onRoot<T>(communicator: Communicator, act: () => T | Promise<T>): Promise<T> {
  const [, [value]] = await together<void, T>(communicator, async (share) => {
    if (communicator.rank === 0) share(await act());
  });
  return value;
}

function plain(error: unknown): { code: ErrorCode; detail: ErrorDetail; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  if (!EtalonError.is(error)) return { code: "NATIVE", detail: {}, message };
  const { argument, allowed, hint } = error.detail;
  return { code: error.code, detail: { argument, allowed, hint }, message };
}
