import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import { cachedSnapshot } from "./cachedSnapshot.ts";
import { type FetchProgress, fetchSnapshot } from "./fetchSnapshot.ts";
import { HubClient, type Retry } from "./HubClient.ts";
import { hubSettings } from "./hubSettings.ts";
import { checkRevision, isCommit, readRepoId } from "./RepoId.ts";

/** What is fetched of a repository, from where, and where to. */
export interface SnapshotOptions {
  /** A branch, a tag or a commit. Default: what stands after @ in the name, else main. */
  revision?: string;
  /** 'fp16', say: the weights' files with that in their names come first. */
  variant?: string;
  /** Which files, by patterns as huggingface_hub's, in place of those that loading needs. */
  allow?: readonly string[];
  ignore?: readonly string[];
  /** Default: HF_HUB_CACHE, else $HF_HOME/hub, else ~/.cache/huggingface/hub. */
  cacheDir?: string;
  /** Default: HF_ENDPOINT, else https://huggingface.co. */
  endpoint?: string;
  /** Default: HF_TOKEN, else the token file. false: none. */
  token?: string | false;
  /** Only what the cache has. Default: HF_HUB_OFFLINE. */
  offline?: boolean;
  /** How often in a row, and after how many milliseconds, what fails for a while is tried again. */
  retry?: Partial<Retry>;
  /** Milliseconds without a byte after which a connection counts as cut. Default: HF_HUB_DOWNLOAD_TIMEOUT (seconds), else 30 s. */
  timeout?: number;
  signal?: AbortSignal;
  onProgress?: (progress: FetchProgress) => void;
  /** Is told what a person should know: that the hub was not reached and the cache's copy is used. */
  onNote?: (note: string) => void;
}

/**
 * A model of the Hugging Face hub as a folder: fetched into the cache that Python's huggingface_hub uses, in its layout, or found there. Only what loading needs is fetched;
 * what is there already is not fetched again, what was cut goes on, and sizes and hashes are checked. Processes may do it at once.
 * @param repoId  'owner/name', or 'owner/name@revision', with hf:// before it or without    @returns the snapshot's folder
 * @throws EtalonError OUT_OF_RANGE: no such name; NOT_FOUND: repository, revision or file, or, offline, nothing in the cache; DENIED: a token or terms are wanted;
 *   BAD_FILE: wrong bytes; UNSUPPORTED: no model; IO: network or disk; ABORTED
 */
export async function snapshot(repoId: string, options: SnapshotOptions = {}): Promise<string> {
  const named = readRepoId(repoId);
  if (named === undefined) throw new EtalonError("OUT_OF_RANGE", { argument: "repoId", value: repoId, allowed: "owner/name or owner/name@revision" }); // biome-ignore format: one thought
  const settings = hubSettings();
  const { id: repo } = named;
  const revision = checkRevision(options.revision ?? named.revision ?? "main");
  const cacheDir = options.cacheDir ?? settings.cacheDir;
  const folder = join(cacheDir, `models--${repo.replace("/", "--")}`);
  const { variant, allow, ignore, signal } = options;
  const choice = { repo, revision, folder, variant, allow, ignore };
  const cached = await cachedSnapshot(choice);
  if (typeof cached === "string" && isCommit(revision)) return cached; // it cannot have moved
  if (options.offline ?? settings.offline) {
    if (typeof cached === "string") return cached;
    throw new EtalonError("NOT_FOUND", { argument: "model", value: repo }, { message: `The cache has no whole ${repo} at ${revision}${cached === undefined ? "" : ` (${cached.message.replace(/\.$/, "")})`}, and the hub may not be asked (HF_HUB_OFFLINE). The cache: ${cacheDir}.` }); // biome-ignore format: one thought
  }
  const token = options.token === false ? undefined : (options.token ?? settings.token);
  const client = new HubClient({
    endpoint: (options.endpoint ?? settings.endpoint).replace(/\/+$/, ""),
    token,
    tokenSource: options.token ? "the option token" : settings.tokenSource,
    timeout: options.timeout ?? settings.timeout,
    retry: { attempts: 5, delay: 1000, ...options.retry },
    signal,
  });
  return fetchSnapshot(client, choice, {
    locks: join(cacheDir, ".locks", `models--${repo.replace("/", "--")}`),
    symlinks: settings.symlinks,
    timeout: options.timeout ?? settings.timeout,
    signal,
    onProgress: options.onProgress ?? (() => {}),
    onNote: options.onNote ?? (() => {}),
    fallback: typeof cached === "string" ? cached : undefined,
  });
}
