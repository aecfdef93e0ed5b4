import { existsSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { EtalonError, nearest } from "@etalon/errors";
import { readRepoId, type SnapshotOptions, snapshot } from "@etalon/weights";
import { assets } from "./assets.ts";

/** Models that the package carries, by name. */
const builtIn: Readonly<Record<string, string>> = {
  tiny: join(assets, "tiny"),
};

/** How a model of the hub is fetched; without effect on others. */
export interface FetchModelOptions extends Pick<SnapshotOptions, "revision" | "variant" | "signal"> {
  /** Megabytes as they come. */
  onProgress?: (progress: { stage: string; done: number; total: number; note?: string }) => void;
}

/** A model that lies on the disk. */
export interface FoundModel {
  name: string;
  folder: string;
  /** The name that gives the same again: of a hub's model with its commit. */
  source: string;
  /** What a person should know, in sentences. */
  notes: string[];
}

/**
 * Finds a model by its name: a built-in one ('tiny'); a folder; else a model of the Hugging Face hub, 'owner/name' or 'owner/name@revision', fetched where the cache has it not
 * (`snapshot` of @etalon/weights). A folder of that name wins, and a note says so; behind hf:// the name is the hub's only.
 * @throws EtalonError NOT_FOUND: none of them; and as `snapshot`
 */
export async function fetchModel(dirOrName: string, { onProgress, ...options }: FetchModelOptions = {}): Promise<FoundModel> {
  if (Object.hasOwn(builtIn, dirOrName)) return { name: dirOrName, folder: builtIn[dirOrName], source: dirOrName, notes: [] };
  const hub = dirOrName.includes("/") ? readRepoId(dirOrName) : undefined;
  if (isFolder(dirOrName)) {
    const notes = hub ? [`The folder ${dirOrName} is taken, not the hub's model of that name: hf://${dirOrName} is that.`] : [];
    return { name: basename(resolve(dirOrName)), folder: dirOrName, source: dirOrName, notes };
  }
  if (hub === undefined) {
    const near = nearest(dirOrName, Object.keys(builtIn));
    throw new EtalonError("NOT_FOUND", {
      argument: "model",
      value: dirOrName,
      allowed: `${Object.keys(builtIn).join(", ")}, a folder with a model_index.json or a config.json, or owner/name of a model of the Hugging Face hub`,
      hint: near === undefined ? undefined : `Did you mean ${JSON.stringify(near)}?`,
    });
  }
  const notes: string[] = [];
  const progress: SnapshotOptions["onProgress"] = onProgress && (({ done, total, file }) => onProgress({ stage: `fetching ${hub.id}, MB`, done: done / 1e6, total: Math.round(total / 1e6), note: file }));
  try {
    const folder = await snapshot(dirOrName, { ...options, onProgress: progress, onNote: (note) => notes.push(note) });
    return { name: hub.id, folder, source: `hf://${hub.id}@${basename(folder)}`, notes };
  } catch (error) {
    if (!EtalonError.is(error) || error.code === "ABORTED" || dirOrName.startsWith("hf://")) throw error;
    throw new EtalonError(error.code, error.detail, { message: `${error.message} (There is no folder ${dirOrName} here.)`, cause: error });
  }
} // biome-ignore format: long lines

const isFolder = (place: string): boolean => existsSync(place) && statSync(place).isDirectory();
