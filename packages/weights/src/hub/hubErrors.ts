import { EtalonError } from "@etalon/errors";

/** What is asked for, so that an error can name it. */
export interface Wanted {
  repo: string;
  revision: string;
  file?: string;
}

/** A 401 or 403. A hub without knowledge of who asks gives 401 for what does not exist, too. */
export function denied(
  { repo, revision, file }: Wanted,
  answer: { status: number; code?: string; endpoint: string; tokenSource?: string },
): EtalonError {
  const { status, code, endpoint, tokenSource } = answer;
  const what = `${file === undefined ? "" : `${file} of `}${repo} at ${revision}`;
  const terms = `accept the terms at ${endpoint}/${repo}`;
  const make = `set HF_TOKEN to a token of ${endpoint}/settings/tokens`;
  const hint =
    tokenSource === undefined
      ? `No token was sent: ${code === "RepoNotFound" ? "check the name; for a private model " : `where the model is gated ${terms}, then `}${make}.`
      : status === 403 || code === "GatedRepo"
        ? `The token of ${tokenSource} has no access: ${terms} with its account, or give the token the right to read gated models.`
        : `The token of ${tokenSource} was not taken: check it and the model's name, and where the model is gated ${terms}.`;
  const allowed = "a model that may be read";
  const detail = { argument: "model", value: repo, allowed, hint };
  return new EtalonError("DENIED", detail, { message: `The hub refused ${what} (${status}). ${hint}` });
}

/** A 404: the repository, the revision or the file, as the hub's code tells. */
export function notFound({ repo, revision, file }: Wanted, { code, endpoint }: { code?: string; endpoint: string }): EtalonError {
  if (code === "RevisionNotFound") {
    const detail = { argument: "revision", value: revision, allowed: `a branch, tag or commit of ${repo}` };
    return new EtalonError("NOT_FOUND", detail, { message: `${endpoint}/${repo} has no revision ${JSON.stringify(revision)}; allowed: a branch, tag or commit of it.` });
  }
  if (file !== undefined && code !== "RepoNotFound") {
    const detail = { argument: "file", value: file, allowed: `a file of ${repo}` };
    return new EtalonError("NOT_FOUND", detail, { message: `${endpoint}/${repo} at ${revision} has no file ${JSON.stringify(file)}.` });
  }
  const detail = { argument: "model", value: repo, allowed: `a model on ${endpoint}` };
  return new EtalonError("NOT_FOUND", detail, { message: `${endpoint} has no model ${JSON.stringify(repo)} (revision ${revision}); a private one needs HF_TOKEN.` });
} // biome-ignore format: long lines
