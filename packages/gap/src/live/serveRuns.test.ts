import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { get, request } from "node:http";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LiveServer, serveRuns } from "./serveRuns.ts";

let root = "";
let server: LiveServer;
const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==", "base64"); // biome-ignore format: one thought

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "etalon-live-"));
  writeFileSync(join(root, "secret.png"), "secret");
  runFolder("a", 6);
  runFolder('odd "name"\\ <b>', 2);
  mkdirSync(join(root, "broken"));
  writeFileSync(join(root, "broken", "config.json"), "{");
  writeFileSync(join(root, "broken", "metrics.jsonl"), "");
  server = await serveRuns({ dir: root });
});
afterAll(async () => {
  await server.close();
  rmSync(root, { recursive: true });
});

const metricsOf = (step: number) => ({ step, epoch: step, reward: { mean: 0.1 * step, std: 0.4 }, loss: -0.01, ratio: { mean: 1, max: 1.01 }, clipFraction: 0.25, kl: 0, gradNorm: step === 1 ? null : 0.5, lr: 1e-4, skipped: 1, seconds: { rollout: 2, reward: 0.5, update: 1.5 } }); // biome-ignore format: one thought

function runFolder(name: string, epochs: number): void {
  const dir = join(root, name);
  mkdirSync(join(dir, "samples"), { recursive: true });
  const lines = (values: readonly object[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");
  writeFileSync(join(dir, "config.json"), JSON.stringify({ reward: "brightness", sampler: { eta: 1.2 }, train: { epochs: 10, promptsPerEpoch: 4, groupSize: 4 } })); // biome-ignore format: one thought
  writeFileSync(join(dir, "metrics.jsonl"), lines(Array.from({ length: epochs }, (_, i) => metricsOf(i + 1))));
  writeFileSync(join(dir, "samples.jsonl"), lines([{ epoch: 0, file: "samples/000000.png", ode: { mean: 0.3, sem: 0.02 } }])); // biome-ignore format: one thought
  writeFileSync(join(dir, "gap.jsonl"), lines([{ epoch: 0, eta: 1.2, steps: 4, guidance: 1, n: 8, reward: "brightness", sde: { mean: 0.2, sem: 0.01 }, ode: { mean: 0.25, sem: 0.01 }, gap: { mean: -0.05, sem: 0.005 } }])); // biome-ignore format: one thought
  writeFileSync(join(dir, "best.json"), JSON.stringify({ epoch: 4, folder: "checkpoints/000004", ode: { mean: 0.35, sem: 0.02 } })); // biome-ignore format: one thought
  writeFileSync(join(dir, "samples", "000000.png"), png);
  symlinkSync(join(root, "secret.png"), join(dir, "samples", "000009.png"));
}

/** A raw request: fetch would mend the path, and sets Host itself. */
function ask(path: string, { host, method = "GET" }: { host?: string; method?: string } = {}) {
  const { port, hostname: address } = new URL(server.url);
  return new Promise<{ status?: number; headers: Record<string, unknown>; body: Buffer }>((settle, reject) => {
    const call = request({ host: address, port, path, method, headers: { host: host ?? `${address}:${port}` } }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on("data", (piece) => pieces.push(piece));
      answer.on("end", () => settle({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces) }));
    }); // biome-ignore format: one thought
    call.on("error", reject).end();
  });
}
const text = async (path: string) => (await ask(path)).body.toString();

describe("the pages", () => {
  test("all runs, with where each stands; a run that cannot be read is told and harms no other", async () => {
    const page = await text("/");
    expect(page).toContain("0 running, 2 in all.");
    expect(page).toContain("epoch 6 of 10, 4.00 s/it");
    expect(page).toContain("odd &quot;name&quot;\\ &lt;b&gt;");
    expect(page).not.toContain("<b>odd");
    expect(page).toContain("broken cannot be read: ");
  });

  test("one run: figures, curves, pictures; it says running while a process holds it, and moves with its files", async () => {
    const stopped = await text("/run/a");
    const figures = [...stopped.matchAll(/<b>(.*?)<\/b>/g)].map(([, markup]) => markup.replace(/<.*?>/g, ""));
    expect(figures).toEqual(["0.600 ± 0.10", "0.300 ± 0.020", "0.350 epoch 4", "−0.0500 ± 0.0050", "25 %", "1"]);
    for (const part of [ "stopped", 'src="/sample/a/000000.png"', "<svg"]) expect(stopped).toContain(part); // biome-ignore format: a list
    expect(await text("/run/a")).toBe(stopped); // nothing moved: the same text, so that the page need not be drawn anew
    const started = readFileSync("/proc/self/stat", "utf8").replace(/^.*\)/s, "").trim().split(" ")[19]; // biome-ignore format: one thought
    writeFileSync(join(root, "a", ".lock"), JSON.stringify({ pid: process.pid, host: hostname(), started }));
    writeFileSync(join(root, "a", "metrics.jsonl"), `${JSON.stringify(metricsOf(7))}\n`, { flag: "a" });
    const running = await text("/run/a");
    expect(running).toContain("running");
    expect(running).toContain("epoch 7 of 10, 4.00 s/it, 12 s left");
    rmSync(join(root, "a", ".lock"));
  });

  test("nothing is fetched from elsewhere, and the browser is told so", async () => {
    const { headers, body } = await ask("/run/a");
    const page = body.toString();
    expect([...page.matchAll(/(?:src|href|action)="([^"]*)"/g)].map(([, link]) => link).filter((link) => !/^\/(run\/|sample\/|$)/.test(link))).toEqual([]); // biome-ignore format: one thought
    const script = /<script>(.*?)<\/script>/s.exec(page)?.[1] ?? "";
    const hash = createHash("sha256").update(script).digest("base64");
    expect(headers["content-security-policy"]).toContain(`script-src 'sha256-${hash}'`);
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    expect(headers["x-content-type-options"]).toBe("nosniff");
  });

  test("a picture as it lies on the disk", async () => {
    const { headers, body } = await ask("/sample/a/000000.png");
    expect([headers["content-type"], body.equals(png)]).toEqual(["image/png", true]);
  });
});

describe("/metrics", () => {
  test("is Prometheus' text format: each family's HELP and TYPE once, before its samples; labels escaped", async () => {
    const { headers, body } = await ask("/metrics");
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    const lines = body.toString().split("\n");
    expect(lines.pop()).toBe("");
    const types = new Map<string, string>();
    let helped = "";
    let family = "";
    for (const line of lines) {
      const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) [^\n]+$/.exec(line);
      const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (gauge|counter)$/.exec(line);
      if (help) helped = help[1];
      else if (type) {
        expect(type[1]).toBe(helped);
        expect(types.has(type[1])).toBe(false);
        family = type[1];
        types.set(family, type[2]);
        expect(family.endsWith("_total")).toBe(type[2] === "counter");
      } else {
        const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)+)\} (?:NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line);
        expect(sample?.[1], line).toBe(family);
      } // biome-ignore format: one thought
    }
    expect(new Set(lines).size).toBe(lines.length);
    expect(lines).toContain('etalon_run_reward_mean{run="odd \\"name\\"\\\\ <b>"} 0.2');
    expect(lines).toContain('etalon_run_seconds_total{run="odd \\"name\\"\\\\ <b>",part="update"} 3');
    expect(lines).toContain('etalon_run_ode_reward{run="a"} 0.3');
    expect(lines).toContain('etalon_run_gap{run="a"} -0.05');
    expect(lines).toContain('etalon_run_images_total{run="odd \\"name\\"\\\\ <b>"} 32');
  });
});

describe("turns away", () => {
  test.each(["evil.example", "evil.example:80", "127.0.0.1.evil.example", "127.0.0.1:1", "localhost@evil.example"])("the host %j, which only leads here", async (host) => {
    const { status, body } = await ask("/", { host });
    expect([status, body.toString()]).toEqual([421, expect.not.stringContaining("Runs")]);
  }); // biome-ignore format: one thought

  test("but not localhost", async () => {
    expect((await ask("/", { host: `localhost:${new URL(server.url).port}` })).status).toBe(200);
  });

  test.each([
    "/sample/a/..%2f..%2f..%2fsecret.png", "/sample/a/../../secret.png", "/sample/..%2f/secret.png", "/sample/a/000009.png", "/sample/a/000001.png", "/../secret.png", "/secret.png",
    "/run/..", "/run/%2e%2e%2f", "/run/nowhere", "/run/a/b", "/sample/a", "/config.json", "/sample/a/config.json", "/%", "/run/a%00", "//etc/passwd",
  ])("the path %s", async (path) => {
    const { status, body } = await ask(path);
    expect([status, body.toString()]).toEqual([404, "No such page.\n"]);
  }); // biome-ignore format: a list

  test("what is no GET or HEAD; HEAD has no body", async () => {
    expect((await ask("/", { method: "POST" })).status).toBe(405);
    const head = await ask("/", { method: "HEAD" });
    expect([head.status, head.body.length]).toEqual([200, 0]);
  });

  test("a folder that is none, and a port that is taken", async () => {
    await expect(serveRuns({ dir: join(root, "nowhere") })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(serveRuns({ dir: root, port: 70000 })).rejects.toMatchObject({ code: "OUT_OF_RANGE" });
    const port = Number(new URL(server.url).port);
    await expect(serveRuns({ dir: root, port })).rejects.toThrow(`port is ${port}; allowed: a port that is free. 0 takes any.`);
  }); // biome-ignore format: one thought
});

test("it listens on 127.0.0.1 only", async () => {
  const { port } = new URL(server.url);
  const reached = await new Promise((settle) => get({ host: "127.0.0.2", port }, () => settle(true)).on("error", () => settle(false))); // biome-ignore format: one thought
  expect(reached).toBe(false);
});

test("a run's own folder is a folder with one run", async () => {
  const own = await serveRuns({ dir: join(root, "a") });
  const page = await (await fetch(own.url)).text();
  await own.close();
  expect(page).toContain('href="/run/a"');
});
