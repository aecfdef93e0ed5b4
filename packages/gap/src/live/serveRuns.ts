import { lstatSync, readFileSync, realpathSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, sep } from "node:path";
import { check, EtalonError } from "@etalon/errors";
import { findRuns } from "./findRuns.ts";
import type { LiveRun } from "./LiveRun.ts";
import { contentPolicy, liveRunPage, overviewPage } from "./livePage.ts";
import { prometheusText, prometheusType } from "./prometheus.ts";
import { RunReader } from "./readRun.ts";

const address = "127.0.0.1";

/** What to serve, and where. */
export interface ServeOptions {
  /** A run's folder, or one with runs in it. */
  dir: string;
  /** 0 to 65535; 0, the default, takes a free one. */
  port?: number;
}

/** A server that listens. */
export interface LiveServer {
  url: string;
  close(): Promise<void>;
}

/** Pages of runs by their name, each with what it was drawn from. */
type Pages = Map<string, { stamp: string; text: string }>;

/** What a server remembers from one request to the next. */
interface Known {
  reader: RunReader;
  pages: Pages;
}

interface Answer {
  status: number;
  type: string;
  body: string | Buffer;
  /** Seconds that a browser may keep it. */
  keep?: number;
}

/**
 * Serves the runs of a folder to browsers of this machine: a live page at /, and Prometheus' text format at /metrics. Nothing is written and nothing is fetched from
 * elsewhere. It listens on 127.0.0.1 only, answers GET and HEAD, and turns away any Host but that, so that no page of a stranger's can read it by a name that leads here.
 * @throws EtalonError NOT_FOUND: no such folder; OUT_OF_RANGE: the port; BUSY: another process has it; IO
 */
export async function serveRuns({ dir, port = 0 }: ServeOptions): Promise<LiveServer> {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new EtalonError("NOT_FOUND", { argument: "dir", value: dir, allowed: "a folder" });
  check.range("port", port, { min: 0, max: 65535, integer: true });
  const known = { reader: new RunReader(), pages: new Map() };
  const server = createServer((request, response) => {
    answer(request, dir, known).then(
      (found) => send(request, response, found),
      (error) => send(request, response, plain(500, error instanceof Error ? error.message : String(error))),
    );
  });
  await new Promise<void>((settle, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === "EADDRINUSE";
      reject(new EtalonError(taken ? "BUSY" : "IO", { argument: "port", value: port, allowed: "a port that is free", hint: taken ? "0 takes any." : `${cause.message}.` }, { cause })); // biome-ignore format: one thought
    });
    server.listen(port, address, settle);
  });
  return {
    url: `http://${address}:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((settle) => {
        server.close(() => settle());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, dir: string, { reader, pages }: Known): Promise<Answer> {
  if (!isOwnHost(request)) return plain(421, "This server answers to 127.0.0.1 and localhost only.");
  if (request.method !== "GET" && request.method !== "HEAD") return plain(405, "GET and HEAD only.");
  const [, kind, name, file] = pathOf(request);
  const folders = findRuns(dir);
  if (name === undefined && (kind === "" || kind === "metrics")) {
    const { runs, faults } = readAll(folders, reader);
    if (kind === "metrics") return { status: 200, type: prometheusType, body: prometheusText(runs) };
    return page(overviewPage(runs, faults));
  }
  const folder = name === undefined ? undefined : folders.get(name);
  if (folder === undefined) return plain(404, "No such page.");
  if (kind === "run" && file === undefined) return page(await drawn(reader.read(name, folder), pages));
  const image = kind === "sample" && file !== undefined ? pictureOf(folder, file) : undefined;
  return image ? { status: 200, type: "image/png", body: image, keep: 60 } : plain(404, "No such page.");
}

/** The page of a run; drawn anew only where the run has moved, so that the browser finds the same text where it has not. */
async function drawn(run: LiveRun, pages: Pages): Promise<string> {
  const stamp = JSON.stringify([run.dir, run.metrics.length, run.metrics.at(-1), run.gaps.length, run.samples.length, run.best, run.epochs, run.isRunning]); // biome-ignore format: one thought
  const known = pages.get(run.name);
  if (known?.stamp === stamp) return known.text;
  const text = await liveRunPage(run);
  pages.set(run.name, { stamp, text });
  return text;
}

/** The parts of a path, decoded one by one: "%2f" within a part does not split it. */
function pathOf({ url = "/" }: IncomingMessage): string[] {
  try {
    return url.split("?")[0].split("/").map(decodeURIComponent);
  } catch {
    return ["", "?"];
  }
}

function readAll(folders: ReadonlyMap<string, string>, reader: RunReader): { runs: LiveRun[]; faults: string[] } {
  const [runs, faults]: [LiveRun[], string[]] = [[], []];
  for (const [name, folder] of folders) {
    try {
      runs.push(reader.read(name, folder));
    } catch (error) {
      faults.push(`${name} cannot be read: ${error instanceof Error ? error.message : error}`);
    }
  }
  return { runs, faults };
}

/** A sample grid of a run: a plain file of that name that lies in the run's own folder, whatever links say. */
function pictureOf(folder: string, file: string): Buffer | undefined {
  if (!/^\d{6,}\.png$/.test(file)) return undefined;
  const place = join(folder, "samples", file);
  if (lstatSync(place, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  if (!realpathSync(place).startsWith(realpathSync(folder) + sep)) return undefined;
  return readFileSync(place);
}

/** Whether a request was made to this machine by its own name. A name that a stranger's server lets lead to 127.0.0.1 is not one. */
function isOwnHost({ headers, socket }: IncomingMessage): boolean {
  const [, host, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(headers.host ?? "") ?? [];
  return ["127.0.0.1", "localhost"].includes(host ?? "") && Number(port ?? 80) === socket.localPort;
}

const page = (body: string): Answer => ({ status: 200, type: "text/html; charset=utf-8", body });
const plain = (status: number, text: string): Answer => ({
  status,
  type: "text/plain; charset=utf-8",
  body: `${text}\n`,
});

function send(request: IncomingMessage, response: ServerResponse, { status, type, body, keep }: Answer): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "content-security-policy": contentPolicy,
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "cache-control": keep === undefined ? "no-store" : `private, max-age=${keep}`,
    ...(status === 405 && { allow: "GET, HEAD" }),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
