import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a server does in place of answering rightly: a status, a connection that is cut after so many bytes or says nothing more, bytes that are wrong. */
export interface Fault {
  status?: number;
  headers?: Record<string, string>;
  cutAfter?: number;
  stall?: boolean;
  corrupt?: boolean;
  ignoreRange?: boolean;
}

/** A request that came, to the hub or to the host of its large files. */
export interface HubRequest {
  host: "hub" | "cdn";
  method: string;
  path: string;
  authorization?: string;
  range?: string;
}

/** Bytes of files by their paths. */
export type HubFiles = Readonly<Record<string, string | Uint8Array>>;

/** A hub on the loopback: the API's answers and headers as the Hugging Face hub gives them; large files (safetensors, .bin) lie on another host. */
export interface HubServer {
  readonly url: string;
  /** All that came so far. */
  readonly requests: HubRequest[];
  /** Where set, what is wrong with the answer to a request. */
  fault: ((request: HubRequest) => Fault | undefined) | undefined;
  /** Where set, the one token that may read; `gated` says how it refuses. */
  token: string | undefined;
  gated: boolean;
  /** Whether the list of files tells sizes and hashes, or is left out, so that the tree has to be asked for. */
  listing: "blobs" | "names" | "none";
  /** Adds a commit, and sets a branch or tag to it. @returns the commit */
  commit(repo: string, files: HubFiles, branch?: string): string;
  close(): Promise<void>;
}

interface Repo {
  refs: Map<string, string>;
  commits: Map<string, Map<string, Buffer>>;
}

/** Starts a hub that has no repositories yet. */
export async function hubServer(): Promise<HubServer> {
  const repos = new Map<string, Repo>();
  const requests: HubRequest[] = [];
  const state: Pick<HubServer, "fault" | "token" | "gated" | "listing"> = { fault: undefined, token: undefined, gated: false, listing: "blobs" };
  const note = (host: HubRequest["host"], { method = "GET", url = "/", headers }: IncomingMessage): Fault => {
    const request = { host, method, path: decodeURIComponent(url), authorization: headers.authorization, range: headers.range };
    requests.push(request);
    return state.fault?.(request) ?? {};
  };
  const cdn = createServer((request, response) => {
    const fault = note("cdn", request);
    const bytes = [...repos.values()].flatMap(({ commits }) => [...commits.values()].flatMap((files) => [...files.values()])).find((each) => sha256(each) === request.url?.slice(1));
    if (fault.status !== undefined || bytes === undefined) return refuse(response, fault.status ?? 404, fault.headers);
    send(request, response, bytes, { etag: `"${createHash("md5").update(bytes).digest("hex")}"` }, fault);
  });
  const hub = createServer((request, response) => {
    const fault = note("hub", request);
    if (fault.status !== undefined) return refuse(response, fault.status, fault.headers);
    const [, api, id, kind, revision, path] = /^(\/api\/models)?\/([^/]+\/[^/]+)\/(revision|tree|resolve)\/([^/?]+)\/?([^?]*)/.exec(request.url ?? "") ?? [];
    const repo = repos.get(id);
    if (state.token !== undefined && request.headers.authorization !== `Bearer ${state.token}` && !(state.gated && api)) return refuse(response, state.gated && request.headers.authorization ? 403 : 401, { "x-error-code": state.gated ? "GatedRepo" : "RepoNotFound" });
    if (repo === undefined) return refuse(response, 404, { "x-error-code": "RepoNotFound" });
    const name = decodeURIComponent(revision);
    const commit = repo.refs.get(name) ?? name;
    const files = repo.commits.get(commit);
    if (files === undefined) return refuse(response, 404, { "x-error-code": "RevisionNotFound" });
    if (kind === "revision") return json(response, { id, sha: commit, gated: state.gated, ...siblings(files, state.listing) });
    if (kind === "tree") return tree(request, response, files);
    const bytes = files.get(decodeURIComponent(path));
    const headers = { "x-repo-commit": commit };
    if (bytes === undefined) return refuse(response, 404, { ...headers, "x-error-code": "EntryNotFound" });
    if (!isLarge(path)) return send(request, response, bytes, { ...headers, etag: `"${gitHash(bytes)}"` }, fault);
    const linked = { "x-linked-etag": `"${sha256(bytes)}"`, "x-linked-size": `${bytes.length}` };
    response.writeHead(302, { ...headers, ...linked, location: `${origin(cdn, "localhost")}/${sha256(bytes)}`, "content-length": "0" }).end();
  });
  await Promise.all([hub, cdn].map((server) => new Promise<void>((done) => server.listen(0, "127.0.0.1", done))));
  return Object.assign(state, {
    url: origin(hub),
    requests,
    commit(id: string, files: HubFiles, branch = "main") {
      const stored = new Map(Object.entries(files).map(([path, bytes]) => [path, Buffer.from(bytes as Uint8Array)]));
      const repo = repos.get(id) ?? { refs: new Map(), commits: new Map() };
      const sum = createHash("sha1").update(id);
      for (const [path, bytes] of stored) sum.update(path).update(bytes);
      const commit = sum.digest("hex");
      repo.refs.set(branch, commit);
      repo.commits.set(commit, stored);
      repos.set(id, repo);
      return commit;
    },
    async close() {
      for (const server of [hub, cdn]) {
        server.closeAllConnections();
        await new Promise((done) => server.close(done));
      }
    },
  });
} // biome-ignore format: long lines

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const gitHash = (bytes: Uint8Array): string => createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex"); // biome-ignore format: one thought
const isLarge = (path: string): boolean => /\.(safetensors|bin)$/.test(path);
const origin = (server: Server, host = "127.0.0.1"): string =>
  `http://${host}:${(server.address() as AddressInfo).port}`;

const refuse = (response: ServerResponse, status: number, headers: Record<string, string> = {}): void =>
  void response.writeHead(status, { "content-length": "0", ...headers }).end();

const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void =>
  void response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));

function siblings(files: ReadonlyMap<string, Buffer>, listing: HubServer["listing"]): object {
  if (listing === "none") return {};
  const lfs = (bytes: Buffer) => ({ sha256: sha256(bytes), size: bytes.length, pointerSize: 130 });
  const told = (path: string, bytes: Buffer) => (listing === "names" ? {} : { size: bytes.length, blobId: gitHash(bytes), ...(isLarge(path) && { lfs: lfs(bytes) }) }); // biome-ignore format: one thought
  return { siblings: [...files].map(([path, bytes]) => ({ rfilename: path, ...told(path, bytes) })) };
}

/** Two files a page, so that there are pages. */
function tree(request: IncomingMessage, response: ServerResponse, files: ReadonlyMap<string, Buffer>): void {
  const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
  const from = Number(url.searchParams.get("cursor") ?? 0);
  const page = [...files].slice(from, from + 2).map(([path, bytes]) => ({ type: "file", path, oid: gitHash(bytes), size: bytes.length, ...(isLarge(path) && { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 130 } }) })); // biome-ignore format: one thought
  url.searchParams.set("cursor", String(from + 2));
  const link = from + 2 < files.size ? { link: `<${url.href}>; rel="next"` } : undefined;
  json(response, page, link);
}

/** A file's bytes, or the part of them that was asked for. */
function send(request: IncomingMessage, response: ServerResponse, all: Buffer, headers: Record<string, string>, fault: Fault): void {
  const from = fault.ignoreRange ? 0 : Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const bytes = fault.corrupt ? Buffer.from(all.map((byte, i) => (i === all.length - 1 ? byte ^ 1 : byte))) : all;
  const part = bytes.subarray(from);
  const range = from > 0 ? { "content-range": `bytes ${from}-${all.length - 1}/${all.length}` } : undefined;
  response.writeHead(from > 0 ? 206 : 200, { ...headers, ...range, "content-length": part.length });
  if (request.method === "HEAD") return void response.end();
  if (fault.cutAfter !== undefined) return void response.write(part.subarray(0, fault.cutAfter), () => setTimeout(() => response.destroy(), 5));
  if (fault.stall) return void response.write(part.subarray(0, 1));
  response.end(part);
} // biome-ignore format: long lines
