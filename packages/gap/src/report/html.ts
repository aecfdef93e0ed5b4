/** Markup that may stand in a page as it is. */
export interface Html {
  readonly html: string;
}

type Part = string | number | Html | undefined | readonly (string | number | Html | undefined)[];

/** A template of markup: strings put in are escaped, markup and lists of it are not, undefined is nothing. */
export function html(pieces: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: pieces.reduce((text, piece, i) => text + insert(parts[i - 1]) + piece) };
}

/** Text that is markup already. */
export const raw = (text: string): Html => ({ html: text });

function insert(part: Part): string {
  if (part === undefined) return "";
  if (typeof part === "string" || typeof part === "number") return escaped(String(part));
  return "html" in part ? part.html : part.map(insert).join("");
}

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character]);

/** A table: its head, and rows; columns of numbers are set to the right. */
export function table(head: readonly (string | Html)[], rows: readonly (readonly (string | Html)[])[]): Html {
  const numeric = head.map(
    (_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === "string" && /^[-−]?\d/.test(row[i])),
  );
  const side = (i: number) => (numeric[i] ? raw(' class="number"') : undefined);
  const line = (row: readonly (string | Html)[]) =>
    html`<tr>${row.map((value, i) => html`<td${side(i)}>${value}</td>`)}</tr>`;
  return html`<div class="scroll"><table><thead><tr>${head.map((title, i) => html`<th${side(i)}>${title}</th>`)}</tr></thead>
<tbody>${rows.map(line)}</tbody></table></div>`;
}
