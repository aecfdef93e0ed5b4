import { existsSync, readFileSync } from "node:fs";
import { type Html, html } from "./html.ts";

/** A PNG file inside the page; undefined where there is none. */
export function picture(file: string, alt: string): Html | undefined {
  if (!existsSync(file)) return undefined;
  return html`<img alt="${alt}" src="data:image/png;base64,${readFileSync(file).toString("base64")}">`;
}

/** Rows of pictures with a label each, and the prompts below. */
export function strips(rows: readonly { label: string; file: string }[], prompts: readonly string[]): Html {
  const shown = rows.flatMap(({ label, file }) => {
    const image = picture(file, `${label}: ${prompts.join(", ")}`);
    return image ? [html`<span class="caption">${label}</span>${image}`] : [];
  });
  return html`<div class="strip">${shown}<span></span><div class="names">${prompts.map((prompt) => html`<span>${prompt}</span>`)}</div></div>`;
}
