import { setTimeout as sleep } from "node:timers/promises";
import { EtalonError } from "@etalon/errors";
import { denied, notFound, type Wanted } from "./hubErrors.ts";
import { TemporaryFailure } from "./TemporaryFailure.ts";

/** How requests that fail for a while are made again. */
export interface Retry {
  /** Times in a row without any progress. Default 5. */
  attempts: number;
  /** Milliseconds before the first one; doubled each time, up to 30 s. Default 1000. */
  delay: number;
}

/** What a client needs to know. */
export interface HubClientOptions {
  endpoint: string;
  token?: string;
  tokenSource?: string;
  timeout: number;
  retry: Retry;
  signal?: AbortSignal;
}

/** An answer, with the headers of the hub that stood in it or in a redirect before it. */
export interface HubAnswer {
  response: Response;
  /** Of the file's content: its sha256 where it is a large one, else its git hash. */
  etag?: string;
  size?: number;
}

const mostRedirects = 10;

/**
 * Requests to the hub: redirects with the token kept to the hub's own host, errors in words, and again after a while where the network or the server fails.
 */
export class HubClient {
  readonly endpoint: string;
  readonly #options: HubClientOptions;

  constructor(options: HubClientOptions) {
    this.endpoint = options.endpoint;
    this.#options = options;
  }

  /** The same client, that tries again but so often. */
  withAttempts(attempts: number): HubClient {
    return new HubClient({ ...this.#options, retry: { ...this.#options.retry, attempts } });
  }

  /** A JSON document of the hub's API, and where the next page is. */
  json(address: string, wanted: Wanted): Promise<{ body: unknown; next?: string }> {
    return this.again(async () => {
      const { response } = await this.request("GET", address, wanted);
      const [, next] = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("link") ?? "") ?? [];
      const text = await cut(response.text());
      try {
        return { body: JSON.parse(text) as unknown, next };
      } catch {
        throw new TemporaryFailure(`${address} did not answer with JSON`);
      }
    });
  }

  /**
   * One request. A HEAD ends at the redirect that tells the file's hash; a GET goes on to the content.
   * @throws TemporaryFailure: worth another try; EtalonError NOT_FOUND, DENIED, ABORTED, IO
   */
  async request(method: "GET" | "HEAD", address: string, wanted: Wanted, headers: Record<string, string> = {}): Promise<HubAnswer> {
    const { token, signal, timeout } = this.#options;
    const home = new URL(this.endpoint).origin;
    const found: Omit<HubAnswer, "response"> = {};
    let url = new URL(address);
    for (let hop = 0; hop <= mostRedirects; hop++) {
      signal?.throwIfAborted();
      const authorization = token !== undefined && url.origin === home ? { authorization: `Bearer ${token}` } : undefined;
      const own = { "user-agent": "etalon", "accept-encoding": "identity", ...headers, ...authorization };
      const response = await this.#fetch(url, { method, headers: own, redirect: "manual" }, signal, timeout);
      found.etag ??= normal(response.headers.get("x-linked-etag"));
      found.size ??= whole(response.headers.get("x-linked-size"));
      const location = response.headers.get("location");
      if (response.status < 300 || response.status > 399 || location === null) {
        if (!response.ok) throw await this.#refusal(response, wanted);
        const range = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
        found.etag ??= normal(response.headers.get("etag"));
        found.size ??= whole(range ?? (response.status === 206 ? null : response.headers.get("content-length")));
        return { response, ...found };
      }
      await response.body?.cancel();
      if (method === "HEAD" && found.etag !== undefined) return { response, ...found };
      url = new URL(location, url);
      if (url.protocol !== "https:" && url.protocol !== "http:") break;
    }
    throw failed(`${address} is redirected without end, or to no web address`);
  } // biome-ignore format: long lines

  /**
   * Does something again, after waiting longer and longer, while it fails for a while.
   * @param progress  tells how far it has come: where it came on, the count begins anew
   * @throws EtalonError IO: the last failure; ABORTED
   */
  async again<T>(act: () => Promise<T>, progress: () => number = () => 0): Promise<T> {
    const { retry, signal } = this.#options;
    let [failures, before] = [0, progress()];
    for (;;) {
      try {
        signal?.throwIfAborted();
        return await act();
      } catch (error) {
        if (signal?.aborted) throw aborted();
        if (!(error instanceof TemporaryFailure)) throw error;
        const now = progress();
        failures = now > before ? 1 : failures + 1;
        before = now;
        if (failures > retry.attempts) throw failed(error.message, error);
        const wait = Math.min(30_000, retry.delay * 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
        await sleep(error.after ?? wait, undefined, { signal }).catch(() => {
          throw aborted();
        });
      }
    }
  }

  async #fetch(url: URL, init: RequestInit, signal: AbortSignal | undefined, timeout: number): Promise<Response> {
    const timer = new AbortController();
    const clock = setTimeout(() => timer.abort(), timeout);
    try {
      return await fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, timer.signal]) : timer.signal });
    } catch (cause) {
      if (signal?.aborted) throw aborted();
      const why = timer.signal.aborted ? `no answer in ${timeout / 1000} s` : reason(cause);
      throw new TemporaryFailure(`${url.origin} was not reached: ${why}`, undefined, cause);
    } finally {
      clearTimeout(clock);
    }
  }

  async #refusal(response: Response, wanted: Wanted): Promise<Error> {
    const { status, headers } = response;
    await response.body?.cancel();
    if (status === 408 || status === 429 || status >= 500) return new TemporaryFailure(`${new URL(response.url).origin} answered ${status}`, later(headers.get("retry-after"))); // biome-ignore format: one thought
    const code = headers.get("x-error-code") ?? undefined;
    const { endpoint, token, tokenSource } = this.#options;
    if (status === 401 || status === 403) return denied(wanted, { status, code, endpoint, tokenSource: token === undefined ? undefined : (tokenSource ?? "the token given") }); // biome-ignore format: one thought
    if (status === 404 || status === 410) return notFound(wanted, { code, endpoint });
    return failed(`${response.url.split("?")[0]} answered ${status} ${headers.get("x-error-message") ?? ""}`.trim());
  }
}

/** What the network does to a body that is being read, as a failure worth another try. */
export async function cut<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    throw new TemporaryFailure(`the connection was cut: ${reason(cause)}`, undefined, cause);
  }
}

export const aborted = (): EtalonError => new EtalonError("ABORTED", {}, { message: "The download was stopped." });

function failed(why: string, cause?: unknown): EtalonError {
  return new EtalonError(
    "IO",
    { argument: "hub", value: why },
    { message: `The hub could not be used: ${why}.`, cause },
  );
}

/** Why a fetch failed: the innermost message, for the outer one says no more than that it did. */
function reason(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(inner instanceof Error)) return String(inner);
  return inner.message || String((inner as NodeJS.ErrnoException).code ?? inner.name);
}

/** W/"abc" and "abc" are abc. */
const normal = (etag: string | null): string | undefined =>
  etag?.replace(/^W\//, "").replace(/^"|"$/g, "") || undefined;

const whole = (text: string | null): number | undefined =>
  text !== null && /^\d+$/.test(text) ? Number(text) : undefined;

/** Retry-After, seconds or a date, in milliseconds; a minute at the most. */
function later(text: string | null): number | undefined {
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, Math.min(ms, 60_000));
}
