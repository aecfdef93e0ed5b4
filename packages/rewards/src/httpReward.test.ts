import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { httpReward, type ImageBatch, loadReward, scoreChecked } from "./index.ts";

type Answer = { status?: number; body: string } | "hang" | "cut";
let server: Server | undefined;
const seen: { method?: string; headers: IncomingMessage["headers"]; body: Record<string, unknown> }[] = [];

/** A server on the loopback that answers request i by answers(i). */
async function serve(answers: (i: number, body: Record<string, unknown>) => Answer): Promise<string> {
  seen.length = 0;
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString());
    seen.push({ method: request.method, headers: request.headers, body });
    const answer = answers(seen.length - 1, body);
    if (answer === "hang") return;
    if (answer === "cut") return void request.socket.destroy();
    response.writeHead(answer.status ?? 200).end(answer.body);
  });
  await new Promise<void>((ready) => server?.listen(0, "127.0.0.1", ready));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/score`;
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

const images: ImageBatch = { data: Uint8Array.from({ length: 3 * 6 }, (_, i) => i), count: 3, width: 2, height: 1 };
const prompts = ["a", "b", "c"];
/** The first byte of each image. */
const firstBytes = (_: number, { images: base64, width, height, count }: Record<string, unknown>): Answer => {
  const pixels = Buffer.from(base64 as string, "base64");
  const size = (width as number) * (height as number) * 3;
  const scores = Array.from({ length: count as number }, (_, i) => pixels[i * size]);
  return { body: JSON.stringify({ scores }) };
};

describe("httpReward", () => {
  test("posts the pixels and prompts, in batches, and reads the scores", async () => {
    const url = await serve(firstBytes);
    const reward = httpReward({ url, batch: 2, headers: { authorization: "Bearer x" } });
    expect(await scoreChecked(reward, images, prompts)).toEqual(Float32Array.of(0, 6, 12));
    expect(seen.map(({ body }) => body.prompts)).toEqual([["a", "b"], ["c"]]);
    expect(seen[0]).toMatchObject({
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer x" },
      body: { width: 2, height: 1, count: 2 },
    });
  });

  test("is what loadReward makes of a URL", async () => {
    const reward = await loadReward(await serve(firstBytes));
    expect(await scoreChecked(reward, images, prompts)).toEqual(Float32Array.of(0, 6, 12));
  });

  test("asks again after 503, 429 and a lost connection", async () => {
    const trouble: Answer[] = [{ status: 503, body: "" }, { status: 429, body: "" }, "cut"];
    const reward = httpReward({ url: await serve((i, body) => trouble[i] ?? firstBytes(i, body)), retryDelay: 1 });
    expect(await scoreChecked(reward, images, prompts)).toEqual(Float32Array.of(0, 6, 12));
    expect(seen.length).toBe(4);
  });

  test.each<[string, Answer, number, string]>([
    [
      "an error that stays",
      { status: 500, body: "no memory\nat line 3" },
      2,
      "gave no scores after 2 attempts: 500: no memory.",
    ],
    ["a refusal", { status: 401, body: "" }, 1, "gave no scores: 401."],
    ["what is not JSON", { body: "<html>" }, 1, "gave no scores: the answer is not JSON."],
    ["silence", "hang", 2, "gave no scores after 2 attempts: no answer in 100 ms."],
    [
      "no list",
      { body: "[1, 2, 3]" },
      1,
      'the server gave an answer without a list of scores; allowed: {"scores": [3 numbers]}.',
    ],
    ["too few", { body: '{"scores": [1]}' }, 1, 'the server gave 1 scores; allowed: {"scores": [3 numbers]}.'],
    [
      "a null score",
      { body: '{"scores": [1, null, 2]}' },
      1,
      'a score that is no number; allowed: {"scores": [3 numbers]}.',
    ],
  ])("says what went wrong: %s", async (_, answer, asked, message) => {
    const url = await serve(() => answer);
    const timeout = answer === "hang" ? 100 : 60_000; // an answer that comes may take its time: the machine may be busy
    const reward = httpReward({ url, name: "remote", retries: 1, retryDelay: 1, timeout });
    const failure = await scoreChecked(reward, images, prompts).catch((e) => e);
    expect(failure).toMatchObject({ code: "BAD_REWARD", message: expect.stringContaining("reward remote: ") });
    expect(failure.message).toContain(message);
    expect(seen.length).toBe(asked);
  });

  test("refuses bad options", () => {
    expect(() => httpReward({ url: "ftp://x" })).toThrow('url is "ftp://x"; allowed: an http or https URL.');
    expect(() => httpReward({ url: "http://x", retries: -1 })).toThrow("retries is -1");
    expect(() => httpReward({ url: "http://x", timeout: 0 })).toThrow("timeout is 0");
  });
});
