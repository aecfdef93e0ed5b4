import { check } from "@etalon/errors";

/** Rules of the hub: letters, digits, - _ and . ; no - or . at an end, no -- or .. within. */
const part = "[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?";
const pattern = new RegExp(`^(?:hf://)?((?:${part}/)?${part})(?:@([^\\s]+))?$`);

/** A model on the hub, and the revision where the text names one. */
export interface RepoId {
  /** As 'owner/name'. */
  id: string;
  revision?: string;
}

/** Reads 'owner/name', 'owner/name@revision' or the same behind hf://; undefined where a text is none of them. */
export function readRepoId(text: string): RepoId | undefined {
  const [, id, revision] = pattern.exec(text) ?? [];
  if (id === undefined || id.includes("--") || id.includes("..")) return undefined;
  return { id, revision };
}

/** A branch, tag or commit that is fit for an address and a file's name. @throws EtalonError OUT_OF_RANGE */
export function checkRevision(revision: string): string {
  const fit = /^[\w.\-/+]{1,255}$/.test(revision) && !revision.split("/").some((piece) => piece === "" || piece === "." || piece === ".."); // biome-ignore format: one thought
  check.that(fit, "OUT_OF_RANGE", { argument: "revision", value: revision, allowed: "a branch, a tag or a commit" });
  return revision;
}

/** Whether a revision is a commit: what it names cannot move. */
export const isCommit = (revision: string): boolean => /^[0-9a-f]{40}$/.test(revision);
