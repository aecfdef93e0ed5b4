import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { type Html, raw } from "./html.ts";

/** Colours of series, in the order of their domain; told apart on light and dark ground, and by the colour-blind (after Okabe and Ito). */
export const palette = ["#0f8fb3", "#d9822b", "#8a63d2", "#2f9e62", "#c2456b", "#8d8d8d"];

const quiet = {
  domainOpacity: 0.35,
  tickOpacity: 0.35,
  gridOpacity: 0.12,
  domainColor: "currentColor",
  tickColor: "currentColor",
  gridColor: "currentColor",
};
const text = {
  labelColor: "currentColor",
  titleColor: "currentColor",
  labelFontSize: 12,
  titleFontSize: 12,
  titleFontWeight: "normal" as const,
};

const config: TopLevelSpec["config"] = {
  background: "transparent",
  font: "system-ui, sans-serif",
  axis: { ...quiet, ...text, titlePadding: 8, labelFlush: false },
  legend: { ...text, symbolStrokeWidth: 2, orient: "bottom", columnPadding: 16, labelLimit: 400 },
  header: { ...text, labelFontSize: 13, title: null },
  view: { stroke: null },
  range: { category: palette },
};

let count = 0;

/** Draws a Vega-Lite chart as inline SVG: no script in the page, nothing fetched; texts and axes take the page's colour. @param label  for readers of the page who do not see it */
export async function chart(spec: TopLevelSpec, label: string): Promise<Html> {
  const view = new View(parse(compile({ ...spec, config } as TopLevelSpec).spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  const own = `c${count++}-`; // ids are unique within a page
  const inline = svg
    .replace(/ xmlns(:\w+)?="[^"]*"/g, "")
    .replace(/\bid="/g, `id="${own}`)
    .replace(/url\(#/g, `url(#${own}`)
    .replace("<svg ", `<svg role="img" aria-label="${label.replace(/["<>&]/g, "")}" `);
  return raw(`<div class="chart">${inline}</div>`);
}
