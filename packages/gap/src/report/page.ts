import { type Html, html, raw } from "./html.ts";

const style = `
:root { color-scheme: light dark; --ground: #fbfaf8; --sheet: #fff; --ink: #1d1f23; --soft: #646a73; --line: #e3e1dc; --good: #1d7f4d; --bad: #b3372f; --open: #8a6a12; --mark: #0f6f8c; }
@media (prefers-color-scheme: dark) { :root { --ground: #15171a; --sheet: #1c1f23; --ink: #e7e8ea; --soft: #9aa1ab; --line: #31353b; --good: #5cc28c; --bad: #ef8a80; --open: #dcb95a; --mark: #5fc3df; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 56px 40px 96px; }
h1 { font-size: 34px; line-height: 1.15; margin: 0 0 8px; letter-spacing: -0.02em; }
h2 { font-size: 23px; margin: 64px 0 6px; letter-spacing: -0.01em; }
h3 { font-size: 17px; margin: 32px 0 4px; }
p { max-width: 74ch; margin: 6px 0 14px; }
p.note, .caption { color: var(--soft); font-size: 14px; }
.lead { font-size: 18px; color: var(--soft); }
a { color: var(--mark); }
code, pre { font: 13.5px/1.5 ui-monospace, "SF Mono", "Liberation Mono", monospace; }
pre { background: var(--sheet); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; overflow: auto; max-height: 420px; }
table { border-collapse: collapse; font-size: 14.5px; font-variant-numeric: tabular-nums; width: 100%; }
th { text-align: left; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--line); padding: 7px 14px 7px 0; white-space: nowrap; }
td { border-bottom: 1px solid var(--line); padding: 7px 14px 7px 0; vertical-align: top; }
.number { text-align: right; white-space: nowrap; }
.scroll { overflow-x: auto; margin: 12px 0 20px; }
.sheet { background: var(--sheet); border: 1px solid var(--line); border-radius: 12px; padding: 20px 24px; margin: 16px 0 24px; }
.chart { overflow-x: auto; margin: 10px 0; }
.chart svg { display: block; max-width: 100%; height: auto; color: var(--ink); }
.sheet > h3:first-child { margin-top: 0; }
.claim { display: grid; grid-template-columns: 132px 1fr; gap: 4px 20px; padding: 16px 0; border-bottom: 1px solid var(--line); }
.claim:last-child { border-bottom: 0; }
.claim p { margin: 0; }
.verdict { font-weight: 650; font-size: 14px; }
.supported { color: var(--good); } .not-supported { color: var(--bad); } .inconclusive { color: var(--open); }
.estimate { font-variant-numeric: tabular-nums; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 14px; margin: 26px 0 8px; }
.figure { background: var(--sheet); border: 1px solid var(--line); border-radius: 12px; padding: 14px 18px; }
.figure b { display: block; font-size: 24px; letter-spacing: -0.01em; font-variant-numeric: tabular-nums; }
.figure > span { color: var(--soft); font-size: 13.5px; display: block; }
.strip { display: grid; grid-template-columns: 132px 1fr; gap: 4px 16px; align-items: center; margin: 0; font-size: 14px; }
.strip img, .grid img { width: 100%; image-rendering: pixelated; border-radius: 4px; background: #fff; display: block; }
.strip .names { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; font-size: 11.5px; line-height: 1.25; color: var(--soft); text-align: center; gap: 4px; }
.grids { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 18px; }
details summary { cursor: pointer; color: var(--mark); margin: 10px 0; }
`;

/** A whole page: one file, nothing fetched, no script but what `head` may have. */
export const page = (title: string, body: readonly Html[], head?: Html): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${raw(style)}</style>${head}
</head>
<body><main>
${body.map((part) => html`${part}\n`)}</main></body>
</html>
`.html;
