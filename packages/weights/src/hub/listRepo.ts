import { EtalonError } from "@etalon/errors";
import type { HubClient } from "./HubClient.ts";
import { checkRevision, isCommit } from "./RepoId.ts";
import type { RepoFile } from "./treeCache.ts";

/** A repository's files at a commit; of each as much as the hub told. */
export interface RepoListing {
  commit: string;
  files: ReadonlyMap<string, Partial<RepoFile>>;
}

/** Asks the hub what a revision is and which files it has. @throws EtalonError NOT_FOUND, DENIED, IO; BAD_FILE: an answer that makes no sense */
export async function listRepo(client: HubClient, repo: string, revision: string): Promise<RepoListing> {
  const wanted = { repo, revision };
  const api = `${client.endpoint}/api/models/${repo}`;
  const { body } = await client.json(`${api}/revision/${encodeURIComponent(checkRevision(revision))}?blobs=true`, wanted);
  const { sha, siblings } = body as { sha?: unknown; siblings?: unknown };
  if (typeof sha !== "string" || !isCommit(sha)) throw unfit(repo, `the commit ${JSON.stringify(sha)}`);
  const listed = Array.isArray(siblings) ? siblings.map(ofSibling) : await tree(client, `${api}/tree/${sha}?recursive=true`, wanted);
  for (const [path] of listed) if (!isInside(path)) throw unfit(repo, `the file name ${JSON.stringify(path)}`);
  return { commit: sha, files: new Map(listed) };
} // biome-ignore format: long lines

type Entry = [path: string, file: Partial<RepoFile>];

interface Sibling {
  rfilename?: unknown;
  size?: unknown;
  blobId?: unknown;
  lfs?: { sha256?: unknown; size?: unknown };
}

function ofSibling(value: unknown): Entry {
  const { rfilename, size, blobId, lfs } = (value ?? {}) as Sibling;
  return [String(rfilename), { size: number(lfs?.size) ?? number(size), blobId: text(blobId), sha256: text(lfs?.sha256) }]; // biome-ignore format: one thought
}

/** The same by the list of a commit's tree, page by page. */
async function tree(client: HubClient, first: string, wanted: { repo: string; revision: string }): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let address: string | undefined = first; address !== undefined; ) {
    const page: { body: unknown; next?: string } = await client.json(address, wanted);
    for (const item of Array.isArray(page.body) ? page.body : []) {
      const { type, path, oid, size, lfs } = item as Record<string, unknown> & { lfs?: { oid?: unknown } };
      if (type === "file") entries.push([String(path), { size: number(size), blobId: text(oid), sha256: text(lfs?.oid) }]); // biome-ignore format: one thought
    }
    address = page.next === undefined ? undefined : new URL(page.next, client.endpoint).href;
  }
  return entries;
}

/** A path that stays in its folder, on any system. */
const isInside = (path: string): boolean =>
  path !== "" &&
  !/[\\\0:]/.test(path) &&
  !path.split("/").some((piece) => piece === "" || piece === "." || piece === "..");

const number = (value: unknown): number | undefined => (Number.isSafeInteger(value) ? (value as number) : undefined);
const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

const unfit = (repo: string, what: string) =>
  new EtalonError("BAD_FILE", { argument: "hub", value: repo }, { message: `The hub's list of ${repo} has ${what}; allowed: one that is fit for a folder.` }); // biome-ignore format: one thought
