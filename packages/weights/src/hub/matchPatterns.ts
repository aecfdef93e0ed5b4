/** Whether a path is among those that patterns allow and not among those they leave out; patterns as huggingface_hub's: `*` stands for slashes too, and a folder's `/` for all within. */
export function matchPatterns(path: string, { allow, ignore }: { allow?: readonly string[]; ignore?: readonly string[] }): boolean {
  const some = (patterns: readonly string[]) => patterns.some((pattern) => regular(pattern).test(path));
  return (allow === undefined || some(allow)) && !(ignore !== undefined && some(ignore));
} // biome-ignore format: long lines

/** Python's fnmatch: *, ?, [abc], [!abc]. */
function regular(pattern: string): RegExp {
  const whole = pattern.endsWith("/") ? `${pattern}*` : pattern;
  const source = whole.replace(/\[!?\]?[^\]]*\]|[*?]|[.+^${}()|[\]\\]/g, (piece) => {
    if (piece === "*") return ".*";
    if (piece === "?") return ".";
    if (piece.length > 1) return `[${piece[1] === "!" ? "^" : ""}${piece.slice(piece[1] === "!" ? 2 : 1, -1).replace(/[\\\]^]/g, "\\$&")}]`;
    return `\\${piece}`;
  });
  return new RegExp(`^${source}$`, "s");
} // biome-ignore format: long lines
