import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { type HubFiles, type HubServer, hubServer, thrown } from "@etalon/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type SnapshotOptions, snapshot } from "./snapshot.ts";

const repo = "etalon/toy";
const weights = (seed: number) => Uint8Array.from({ length: 5000 }, (_, i) => (i * seed) % 251);
const index = { _class_name: "StableDiffusionPipeline", unet: ["diffusers", "UNet2DConditionModel"], tokenizer: ["transformers", "CLIPTokenizer"], safety_checker: ["stable_diffusion", "StableDiffusionSafetyChecker"], feature_extractor: [null, null] }; // biome-ignore format: a table
const files: HubFiles = {
  "README.md": "# toy",
  "model_index.json": JSON.stringify(index),
  "toy-pruned.safetensors": weights(3),
  "safety_checker/config.json": "{}",
  "safety_checker/model.safetensors": weights(5),
  "tokenizer/merges.txt": "#version: 0.2",
  "tokenizer/vocab.json": "{}",
  "unet/config.json": "{}",
  "unet/diffusion_pytorch_model.bin": weights(7),
  "unet/diffusion_pytorch_model.fp16.safetensors": weights(11),
  "unet/diffusion_pytorch_model.safetensors": weights(13),
};
const needed = ["model_index.json", "tokenizer/merges.txt", "tokenizer/vocab.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors"]; // biome-ignore format: a table
const large = "unet/diffusion_pytorch_model.safetensors";

let hub: HubServer;
let cacheDir: string;
beforeEach(async () => {
  hub = await hubServer();
  hub.commit(repo, files);
  cacheDir = mkdtempSync(join(tmpdir(), "etalon-hub-"));
});
afterEach(async () => {
  await hub.close();
  rmSync(cacheDir, { recursive: true, force: true });
});

const get = (options: SnapshotOptions = {}, name = repo) => snapshot(name, { cacheDir, endpoint: hub.url, token: false, retry: { delay: 1 }, ...options }); // biome-ignore format: one thought
const folder = () => join(cacheDir, "models--etalon--toy");
const blobs = () => readdirSync(join(folder(), "blobs")).sort();
const below = (place: string, prefix = ""): string[] => readdirSync(join(place, prefix), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? below(place, `${prefix}${entry.name}/`) : [prefix + entry.name])).sort(); // biome-ignore format: one thought
const asked = (part: string) => hub.requests.filter(({ method, path }) => method === "GET" && path.includes(part));
const cdn = () => hub.requests.filter(({ host }) => host === "cdn");

describe("a fetched snapshot", () => {
  test("lies as huggingface_hub lays it out: blobs by their hashes, relative links, the branch's commit, the list of files", async () => {
    const place = await get();
    const commit = readFileSync(join(folder(), "refs/main"), "utf8");
    expect(place).toBe(join(folder(), "snapshots", commit));
    expect(below(place)).toEqual(needed);
    for (const path of needed) expect(readFileSync(join(place, path)), path).toEqual(Buffer.from(files[path] as string));
    const pointer = join(place, large);
    expect(lstatSync(pointer).isSymbolicLink()).toBe(true);
    expect(readlinkSync(pointer)).toMatch(/^\.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/);
    expect(readlinkSync(join(place, "model_index.json"))).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/);
    expect(readdirSync(folder()).sort()).toEqual(["blobs", "refs", "snapshots", "trees"]);
    expect(Object.keys(JSON.parse(readFileSync(join(folder(), "trees", `${commit}.json`), "utf8")).files)).toEqual(Object.keys(files).sort());
    expect(readdirSync(join(cacheDir, ".locks", "models--etalon--toy"))).toEqual([]);
  });

  test("is not fetched again, and offline not asked for", async () => {
    const place = await get();
    hub.requests.length = 0;
    expect(await get()).toBe(place);
    expect(hub.requests.map(({ path }) => path)).toEqual(["/api/models/etalon/toy/revision/main?blobs=true"]);
    hub.requests.length = 0;
    expect(await get({ offline: true })).toBe(place);
    expect(await get({ revision: place.slice(-40) })).toBe(place); // a commit cannot move
    expect(hub.requests).toEqual([]);
  });

  test.each(["names", "none"] as const)("is the same from a hub whose list has %s", async (listing) => {
    hub.listing = listing;
    const place = await get();
    expect(below(place)).toEqual(needed);
    expect(await get({ offline: true })).toBe(place);
  });

  test("has the variant asked for; patterns say something else", async () => {
    expect(below(await get({ variant: "fp16" }))).toContain("unet/diffusion_pytorch_model.fp16.safetensors");
    expect(asked(large)).toEqual([]);
    expect(await thrown(() => get({ offline: true }))).toContain(`${large} of etalon/toy is missing`);
    expect(below(await get({ allow: ["*.md", "tokenizer/"] })).filter((path) => !path.startsWith("unet"))).toEqual(["README.md", "model_index.json", "tokenizer/merges.txt", "tokenizer/vocab.json"]);
    expect(await thrown(() => get({ allow: ["*.onnx"] }))).toBe('NOT_FOUND: allow is ["*.onnx"]; allowed: patterns that match a file of etalon/toy at main.');
  });

  test("tells its bytes as they come", async () => {
    const told: { done: number; total: number }[] = [];
    await get({ onProgress: ({ done, total }) => told.push({ done, total }) });
    const sizes = needed.reduce((sum, path) => sum + Buffer.from(files[path] as string).length, 0);
    expect(new Set(told.map(({ total }) => total))).toEqual(new Set([sizes]));
    expect(told.at(-1)?.done).toBe(sizes);
    expect(told.map(({ done }) => done)).toEqual([...told.map(({ done }) => done)].sort((a, b) => a - b));
  });

  test("a branch that moved gives a new snapshot; what did not change is not fetched again", async () => {
    const before = await get();
    hub.commit(repo, { ...files, "unet/config.json": '{"a": 1}' });
    hub.requests.length = 0;
    const after = await get();
    expect(after).not.toBe(before);
    expect(asked("resolve").map(({ path }) => path.split("/").slice(-2).join("/"))).toEqual(["unet/config.json"]);
    expect(readFileSync(join(after, "unet/config.json"), "utf8")).toBe('{"a": 1}');
    expect(readFileSync(join(before, "unet/config.json"), "utf8")).toBe("{}");
    expect(await get({ offline: true })).toBe(after);
    expect(await get({}, `${repo}@${before.slice(-40)}`)).toBe(before);
  });

  test("without links the files themselves lie in it", async () => {
    process.env.HF_HUB_DISABLE_SYMLINKS = "1";
    try {
      const place = await get();
      expect(lstatSync(join(place, large)).isFile()).toBe(true);
      expect(readFileSync(join(place, large))).toEqual(Buffer.from(files[large]));
      expect(await get({ offline: true })).toBe(place);
    } finally {
      delete process.env.HF_HUB_DISABLE_SYMLINKS;
    }
  });

  test("of parts comes by the index", async () => {
    const parts = ["diffusion_pytorch_model-00001-of-00002.safetensors", "diffusion_pytorch_model-00002-of-00002.safetensors"];
    const map = { a: parts[0], b: parts[1], c: parts[0] };
    const split = { "config.json": "{}", "diffusion_pytorch_model.safetensors.index.json": JSON.stringify({ weight_map: map }), [parts[0]]: weights(2), [parts[1]]: weights(3) };
    hub.commit("etalon/split", { ...split, "unused-00001-of-00001.safetensors": weights(5) });
    expect(below(await get({}, "etalon/split"))).toEqual(Object.keys(split).sort());
    hub.commit("etalon/lost", { ...split, "diffusion_pytorch_model.safetensors.index.json": '{"weight_map": {"a": "gone.safetensors"}}' });
    expect(await thrown(() => get({}, "etalon/lost"))).toContain('index.json of etalon/lost at main lists "gone.safetensors", which is not there');
  });
}); // biome-ignore format: long lines

describe("the network", () => {
  test("the token goes to the hub, never to the host of large files", async () => {
    hub.token = "hf_secret";
    await get({ token: "hf_secret" });
    expect(hub.requests.filter(({ host }) => host === "hub").every(({ authorization }) => authorization === "Bearer hf_secret")).toBe(true);
    expect(cdn().length).toBeGreaterThan(0);
    expect(cdn().every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  test("relative redirects, as of a model that was renamed, are followed", async () => {
    hub.fault = ({ path }) => (path.startsWith("/api/models/etalon/old/") ? { status: 307, headers: { location: path.replace("/old/", "/toy/") } } : path.startsWith("/etalon/old/") ? { status: 307, headers: { location: path.replace("/old/", "/toy/") } } : undefined);
    expect(below(await get({}, "etalon/old"))).toEqual(needed);
    hub.fault = ({ path }) => ({ status: 302, headers: { location: path } });
    expect(await thrown(() => get({}, "etalon/round"))).toMatch(/^IO: .* is redirected without end/);
  });

  test("a connection that is cut goes on where it was", async () => {
    let cuts = 0;
    hub.fault = ({ host }) => (host === "cdn" && cuts++ < 3 ? { cutAfter: 1000 } : undefined);
    const place = await get();
    expect(readFileSync(join(place, large))).toEqual(Buffer.from(files[large]));
    expect(cdn().map(({ range }) => range)).toEqual([undefined, "bytes=1000-", "bytes=2000-", "bytes=3000-"]);
  });

  test("what a run left is gone on with by the next one; a server that gives no parts begins anew", async () => {
    hub.fault = ({ host }) => (host === "cdn" ? { cutAfter: 1500 } : undefined);
    expect(await thrown(() => get({ retry: { attempts: 0, delay: 1 } }))).toMatch(/^IO: The hub could not be used: the connection was cut/);
    expect(existsSync(join(folder(), "refs"))).toBe(false);
    expect(blobs().filter((name) => name.endsWith(".incomplete"))).toHaveLength(1);
    hub.requests.length = 0;
    hub.fault = ({ host }) => (host === "cdn" ? { ignoreRange: true } : undefined);
    const place = await get();
    expect(cdn().map(({ range }) => range)).toEqual(["bytes=1500-"]);
    expect(readFileSync(join(place, large))).toEqual(Buffer.from(files[large]));
    expect(blobs().filter((name) => name.endsWith(".incomplete"))).toEqual([]);
  });

  test("a part that another client left is gone on with, and left alone while it is fresh", async () => {
    const place = await get();
    const blob = join(folder(), "blobs", readlinkSync(join(place, large)).split("/").at(-1) as string);
    rmSync(blob);
    writeFileSync(`${blob}.incomplete`, (files[large] as Uint8Array).subarray(0, 4000));
    hub.requests.length = 0;
    await get();
    expect(cdn().map(({ range }) => range)).toEqual(["bytes=4000-"]);
    expect(existsSync(`${blob}.incomplete`)).toBe(true);
  });

  test("429, 503 and silence are tried again, Retry-After is kept to; then it gives up", async () => {
    const faults = [{ status: 429, headers: { "retry-after": "0" } }, { status: 503 }, { stall: true }];
    hub.fault = ({ path, method }) => (method === "GET" && path.includes("unet/config.json") ? faults.shift() : undefined);
    hub.commit(repo, { ...files, "unet/config.json": "{ }" });
    await get({ timeout: 1000 }); // for silence: what does answer has to be in time on a busy machine
    expect(asked("unet/config.json")).toHaveLength(4);
    hub.fault = () => ({ status: 500 });
    expect(await thrown(() => get({ retry: { attempts: 2, delay: 1 } }, "etalon/other"))).toMatch(/^IO: The hub could not be used: http:.* answered 500\.$/);
    expect(asked("etalon/other")).toHaveLength(3);
  });

  test("wrong bytes are fetched once more, then refused; nothing of them is kept", async () => {
    let wrong = 1;
    hub.fault = ({ host }) => (host === "cdn" && wrong-- > 0 ? { corrupt: true } : undefined);
    expect(readFileSync(join(await get(), large))).toEqual(Buffer.from(files[large]));
    hub.commit(repo, { ...files, [large]: weights(17) });
    hub.fault = ({ host }) => (host === "cdn" ? { corrupt: true } : undefined);
    const before = blobs();
    expect(await thrown(() => get())).toMatch(/^BAD_FILE: unet\/diffusion_pytorch_model\.safetensors of etalon\/toy at main came with other bytes: its sha256 is [0-9a-f]{64}, not [0-9a-f]{64}, twice; nothing of it was kept\.$/);
    expect(blobs()).toEqual(before);
    hub.commit(repo, { ...files, "unet/config.json": "{ }" });
    hub.fault = ({ path }) => (path.includes("unet/config.json") ? { corrupt: true } : undefined);
    expect(await thrown(() => get())).toContain("unet/config.json of etalon/toy at main came with other bytes: its git hash is");
  });

  test("a hub that is not reached: the cache's copy, with a note; without one an error", async () => {
    const place = await get();
    const notes: string[] = [];
    const other = await hubServer();
    await other.close();
    const away = { endpoint: other.url, onNote: (note: string) => notes.push(note) };
    expect(await get(away)).toBe(place);
    expect(notes).toEqual([expect.stringMatching(/^The hub could not be used: http:\/\/127\.0\.0\.1:\d+ was not reached: .*ECONNREFUSED.* The copy in the cache is used: /)]);
    expect(await thrown(() => get({ ...away, retry: { attempts: 1, delay: 1 } }, "etalon/none"))).toMatch(/^IO: .* was not reached/);
  });

  test("a stop stops, and what came stays", async () => {
    hub.fault = ({ host }) => (host === "cdn" ? { stall: true } : undefined);
    const controller = new AbortController();
    const running = thrown(() => get({ signal: controller.signal, onProgress: ({ file }) => file === large && controller.abort() }));
    expect(await running).toBe("ABORTED: The download was stopped.");
    expect(readdirSync(join(cacheDir, ".locks", "models--etalon--toy"))).toEqual([]);
  });
}); // biome-ignore format: long lines

describe("refusals", () => {
  test("401 and 403 say what to do", async () => {
    hub.token = "hf_other";
    expect(await thrown(() => get())).toBe(`DENIED: The hub refused etalon/toy at main (401). No token was sent: check the name; for a private model set HF_TOKEN to a token of ${hub.url}/settings/tokens.`);
    expect(await thrown(() => get({ token: "hf_mine" }))).toBe(`DENIED: The hub refused etalon/toy at main (401). The token of the option token was not taken: check it and the model's name, and where the model is gated accept the terms at ${hub.url}/etalon/toy.`);
    hub.gated = true;
    expect(await thrown(() => get())).toBe(`DENIED: The hub refused model_index.json of etalon/toy at main (401). No token was sent: where the model is gated accept the terms at ${hub.url}/etalon/toy, then set HF_TOKEN to a token of ${hub.url}/settings/tokens.`);
    expect(await thrown(() => get({ token: "hf_mine" }))).toBe(`DENIED: The hub refused model_index.json of etalon/toy at main (403). The token of the option token has no access: accept the terms at ${hub.url}/etalon/toy with its account, or give the token the right to read gated models.`);
  });

  test("404 names the repository, the revision, the file", async () => {
    expect(await thrown(() => get({}, "etalon/none"))).toBe(`NOT_FOUND: ${hub.url} has no model "etalon/none" (revision main); a private one needs HF_TOKEN.`);
    expect(await thrown(() => get({ revision: "v9" }))).toBe(`NOT_FOUND: ${hub.url}/etalon/toy has no revision "v9"; allowed: a branch, tag or commit of it.`);
    hub.fault = ({ path }) => (path.includes("vocab") ? { status: 404, headers: { "x-error-code": "EntryNotFound" } } : undefined);
    expect(await thrown(() => get())).toBe(`NOT_FOUND: ${hub.url}/etalon/toy at main has no file "tokenizer/vocab.json".`);
    hub.commit("etalon/bare", { "README.md": "" });
    expect(await thrown(() => get({}, "etalon/bare"))).toBe("UNSUPPORTED: etalon/bare at main is no model that can be loaded; allowed: one with a model_index.json or a config.json. Files: README.md.");
    hub.commit("etalon/bare", { "model_index.json": '{"unet": ["diffusers", "X"]}' });
    expect(await thrown(() => get({}, "etalon/bare"))).toBe("NOT_FOUND: etalon/bare at main has no folder unet, which its model_index.json names.");
    hub.commit("etalon/bare", { "config.json": "{}", "flax_model.msgpack": "" });
    expect(await thrown(() => get({}, "etalon/bare"))).toBe("NOT_FOUND: etalon/bare at main has no weights that can be read; allowed: safetensors, or torch's .bin. Files: config.json, flax_model.msgpack.");
  });

  test("offline without a copy, with half of one, and with a cut file", async () => {
    expect(await thrown(() => get({ offline: true }))).toBe(`NOT_FOUND: The cache has no whole etalon/toy at main, and the hub may not be asked (HF_HUB_OFFLINE). The cache: ${cacheDir}.`);
    const place = await get();
    truncateSync(join(place, large), 10);
    expect(await thrown(() => get({ offline: true }))).toContain(`(${large} of etalon/toy is missing or cut)`);
    expect(readFileSync(join(await get(), large))).toEqual(Buffer.from(files[large])); // online it is mended
    rmSync(join(place, "tokenizer/vocab.json"));
    expect(await thrown(() => get({ offline: true }))).toContain("(tokenizer/vocab.json of etalon/toy is missing or cut)");
    expect(hub.requests.every(({ path }) => !path.includes("safety_checker"))).toBe(true);
  });

  test("names and revisions that are none, and file names that lead out of the folder", async () => {
    for (const name of ["", "../x", "a/b/c", "a--b/c", "/a", "a/..", "a b/c"]) expect(await thrown(() => get({}, name))).toContain("OUT_OF_RANGE: repoId is");
    expect(await thrown(() => get({ revision: "../../x" }))).toContain('revision is "../../x"; allowed: a branch, a tag or a commit.');
    for (const path of ["../evil.json", "a/../../evil.json", "/etc/evil.json", "C:\\evil.json"]) {
      hub.commit("etalon/evil", { [path]: "{}" });
      expect(await thrown(() => get({}, "etalon/evil"))).toContain(`has the file name ${JSON.stringify(path)}`);
    }
    hub.fault = ({ method }) => (method === "HEAD" ? { status: 200, headers: { etag: '"../../evil"' } } : undefined);
    expect(await thrown(() => get())).toContain("The hub did not tell the hash of model_index.json");
    expect(existsSync(join(cacheDir, "evil"))).toBe(false);
  });

  test("a place that cannot be written is named", async () => {
    writeFileSync(join(cacheDir, "file"), "");
    expect(await thrown(() => get({ cacheDir: join(cacheDir, "file") }))).toMatch(/^IO: .*models--etalon--toy could not be written \(E\w+\)\. E/);
  });
}); // biome-ignore format: long lines

test("a full disk is told before, and on the way; then it goes on", async (context) => {
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", cacheDir]).status !== 0) return context.skip("needs the right to mount a tmpfs");
  try {
    const big = (bytes: number) => ({ "config.json": "{}", "model.safetensors": new Uint8Array(bytes).fill(7) });
    hub.commit("etalon/big", big(9e6));
    expect(await thrown(() => get({}, "etalon/big"))).toMatch(/^IO: The disk of .* is too full: 9\.0 MB are needed, 4\.[0-9] MB are free\. HF_HUB_CACHE names another place\.$/);
    hub.commit("etalon/big", big(3e6));
    const filler = join(cacheDir, "filler");
    const fill = ({ done }: { done: number }) => done > 1000 && !existsSync(filler) && writeFileSync(filler, Buffer.alloc(2 << 20));
    expect(await thrown(() => get({ onProgress: fill }, "etalon/big"))).toMatch(/^IO: .*model\.safetensors could not be written \(ENOSPC\)\. The disk is full; what came so far stays, and the next time goes on from it\.$/);
    rmSync(filler);
    hub.requests.length = 0;
    expect(readFileSync(join(await get({}, "etalon/big"), "model.safetensors"))).toHaveLength(3e6);
    expect(cdn()[0].range).toMatch(/^bytes=\d+-$/);
  } finally {
    spawnSync("umount", [cacheDir]);
  }
}); // biome-ignore format: long lines

describe("at once", () => {
  test("two downloads of one model do the work of one", async () => {
    const places = await Promise.all([get(), get(), get()]);
    expect(new Set(places).size).toBe(1);
    expect(cdn()).toHaveLength(1);
  });

  test("a lock of a process that is gone is taken over; the lock of a living one is waited for", async () => {
    const etag = readlinkSync(join(await get(), large))
      .split("/")
      .at(-1) as string;
    rmSync(join(folder(), "blobs", etag));
    const locks = join(cacheDir, ".locks", "models--etalon--toy");
    mkdirSync(locks, { recursive: true });
    const lock = join(locks, `${etag}.etalon.lock`);
    writeFileSync(lock, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
    await get();
    expect(existsSync(lock)).toBe(false);
    rmSync(join(folder(), "blobs", etag));
    writeFileSync(lock, JSON.stringify({ pid: process.ppid, host: hostname() }));
    const notes: string[] = [];
    const running = get({ onNote: (note) => notes.push(note) });
    while (notes.length === 0) await new Promise((done) => setTimeout(done, 5));
    rmSync(lock);
    await running;
    expect(notes).toEqual([`Another download has ${large} of etalon/toy in hand: waiting for it.`]);
  });
});
