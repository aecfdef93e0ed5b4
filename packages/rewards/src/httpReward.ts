import { setTimeout as wait } from "node:timers/promises";
import { check, EtalonError } from "@etalon/errors";
import type { ImageBatch } from "./ImageBatch.ts";
import type { Reward } from "./Reward.ts";

/** Where and how a remote reward is asked. */
export interface HttpRewardOptions {
  url: string;
  /** For messages and metrics; default: the URL. */
  name?: string;
  /** Headers beside content-type, such as authorization. */
  headers?: Readonly<Record<string, string>>;
  /** Milliseconds for one attempt. Default 60 000. */
  timeout?: number;
  /** Attempts after the first, on a lost connection, a timeout, 429 or 5xx; the wait doubles from `retryDelay`. Default 3. */
  retries?: number;
  /** Milliseconds before the first retry. Default 500. */
  retryDelay?: number;
  /** Images a request. Default 64. */
  batch?: number;
}

/**
 * A reward that runs elsewhere. Each request is a POST of JSON `{"width", "height", "count", "images", "prompts"}`: `images` is base64 of the 8-bit RGB pixels,
 * [count, height, width, 3]; `prompts` has one text an image. The answer is `{"scores": [one number an image]}`.
 * @throws EtalonError BAD_TYPE, OUT_OF_RANGE: bad options. `score` throws BAD_REWARD: no answer after all attempts, a refusal (4xx, not repeated), or an answer of
 *   another form
 */
export function httpReward(options: HttpRewardOptions): Reward {
  const { timeout = 60_000, retries = 3, retryDelay = 500, batch = 64 } = options;
  const url = checkUrl(options.url);
  const name = check.text("name", options.name ?? url);
  const headers = { ...options.headers, "content-type": "application/json" };
  check.count("timeout", timeout);
  check.range("retries", retries, { min: 0, integer: true });
  check.range("retryDelay", retryDelay, { min: 0 });
  check.count("batch", batch);

  const ask = async (body: string): Promise<unknown> => {
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(timeout) });
        if (answer.ok) return await answer.json();
        const text = (await answer.text()).trim().split("\n")[0].slice(0, 200);
        throw new Refusal(`${answer.status}${text ? `: ${text}` : ""}`, answer.status === 429 || answer.status >= 500);
      } catch (cause) {
        const again = !(cause instanceof SyntaxError) && !(cause instanceof Refusal && !cause.again);
        if (again && attempt < retries) {
          await wait(retryDelay * 2 ** attempt);
          continue;
        }
        const tries = attempt === 0 ? "" : ` after ${attempt + 1} attempts`;
        throw failure(name, `${url} gave no scores${tries}: ${reason(cause, timeout)}`, cause);
      }
    }
  };

  return {
    name,
    score: async (images, prompts) => {
      const scores = new Float32Array(images.count);
      for (let start = 0; start < images.count; start += batch) {
        const end = Math.min(start + batch, images.count);
        const answer = await ask(request(images, prompts, start, end));
        scores.set(readScores(name, answer, end - start), start);
      }
      return scores;
    },
  };
}

/** An answer with an error status; `again`: whether asking again may help. */
class Refusal extends Error {
  readonly again: boolean;
  constructor(message: string, again: boolean) {
    super(message);
    this.again = again;
  }
}

function checkUrl(url: string): string {
  const known = typeof url === "string" && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  if (!known) throw new EtalonError("BAD_TYPE", { argument: "url", value: url, allowed: "an http or https URL" });
  return url;
}

function request({ data, width, height }: ImageBatch, prompts: readonly string[], start: number, end: number): string {
  const size = width * height * 3;
  const images = Buffer.from(data.buffer, data.byteOffset + start * size, (end - start) * size).toString("base64");
  return JSON.stringify({ width, height, count: end - start, images, prompts: prompts.slice(start, end) });
}

function readScores(name: string, answer: unknown, count: number): number[] {
  const { scores } = (answer ?? {}) as { scores?: unknown };
  const refuse = (what: string) => failure(name, `the server gave ${what}; allowed: {"scores": [${count} numbers]}`);
  if (!Array.isArray(scores)) throw refuse("an answer without a list of scores");
  if (scores.length !== count) throw refuse(`${scores.length} scores`);
  if (!scores.every((score) => typeof score === "number")) throw refuse("a score that is no number");
  return scores;
}

const failure = (name: string, why: string, cause?: unknown) =>
  new EtalonError("BAD_REWARD", { argument: name }, { message: `reward ${name}: ${why}.`, cause });

function reason(cause: unknown, timeout: number): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause.name === "TimeoutError") return `no answer in ${timeout} ms`;
  if (cause instanceof SyntaxError) return "the answer is not JSON";
  return cause.cause instanceof Error ? cause.cause.message || String(cause.cause) : cause.message;
}
