import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** What the environment says of the hub. */
export interface HubSettings {
  /** Without a slash at its end. */
  endpoint: string;
  cacheDir: string;
  /** Of HF_TOKEN, else of the token file. */
  token?: string;
  /** Where the token came from, in words. */
  tokenSource?: string;
  offline: boolean;
  symlinks: boolean;
  /** Milliseconds without a byte after which a connection counts as cut. */
  timeout: number;
}

/** The environment variables of Hugging Face's own tools, by their rules: HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_TOKEN_PATH, HF_HUB_OFFLINE, HF_HUB_DISABLE_SYMLINKS, HF_HUB_DOWNLOAD_TIMEOUT, and their older names. */
export function hubSettings(env: NodeJS.ProcessEnv = process.env): HubSettings {
  const home = place(env.HF_HOME, env) ?? join(place(env.XDG_CACHE_HOME, env) ?? join(homedir(), ".cache"), "huggingface");
  const tokenFile = place(env.HF_TOKEN_PATH, env) ?? join(home, "token");
  const variable = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"].find((name) => clean(env[name]) !== undefined);
  const token = variable === undefined ? (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN) ? undefined : inFile(tokenFile)) : clean(env[variable]);
  return {
    endpoint: (env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, ""),
    cacheDir: place(env.HF_HUB_CACHE, env) ?? place(env.HUGGINGFACE_HUB_CACHE, env) ?? join(home, "hub"),
    token,
    tokenSource: token === undefined ? undefined : (variable ?? tokenFile),
    offline: isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE),
    symlinks: !isTrue(env.HF_HUB_DISABLE_SYMLINKS),
    timeout: 1000 * (Number(env.HF_HUB_DOWNLOAD_TIMEOUT) || 30),
  };
} // biome-ignore format: long lines

const isTrue = (text: string | undefined): boolean => /^(1|on|yes|true)$/i.test(text ?? "");

const clean = (text: string | undefined): string | undefined => text?.replace(/[\r\n]/g, "").trim() || undefined;

const inFile = (file: string): string | undefined => (existsSync(file) ? clean(readFileSync(file, "utf8")) : undefined);

/** A path with ~ and $NAME filled in; undefined where it is empty. */
function place(path: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  if (!path) return undefined;
  const name = path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
  return name.replace(/\$(?:(\w+)|\{(\w+)\})/g, (whole, bare, braced) => env[bare ?? braced] ?? whole);
}
