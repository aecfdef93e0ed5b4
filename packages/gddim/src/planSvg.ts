import type { Path } from "@etalon/schedules";
import type { Plan } from "./plan.ts";

/** How the picture of a plan is drawn. */
export interface PlanSvgOptions {
  /** The plan's path: with it the picture has log-SNR and the marginal's noise as well. */
  path?: Path;
  /** Pixels. Default 640 × 320. */
  width?: number;
  height?: number;
  /** Default: rule and number of steps. */
  title?: string;
}

const left = 52;
const [right, top, bottom] = [52, 34, 40];

/**
 * A plan as a picture: a bar a step for the noise that it draws (std), filled where it is stochastic, over it a line for σ of the path and, on the axis at the right,
 * log-SNR at the steps' ends. SVG text, self-contained, the same for the same plan.
 */
export function planSvg(
  plan: Plan,
  { path, width = 640, height = 320, title = titleOf(plan) }: PlanSvgOptions = {},
): string {
  const n = plan.steps.length;
  const [w, h] = [width - left - right, height - top - bottom];
  const sigma = path ? plan.steps.map(({ s }) => path.at(s).sigma) : [];
  const most = Math.max(...plan.steps.map(({ map }) => map.std), ...sigma) || 1;
  const x = (i: number) => left + (w * i) / n;
  const y = (value: number) => top + h - (h * value) / most;
  const bars = plan.steps.map(({ index, t, s, map, rule, eta }) => {
    const label = `${index}: ${num(t)} → ${num(s)}, ${rule}, η ${num(eta)}, std ${num(map.std)}`;
    const bar =
      map.std > 0
        ? `<rect x="${px(x(index) + 1)}" y="${px(y(map.std))}" width="${px(Math.max(1, w / n - 2))}" height="${px(top + h - y(map.std))}" fill="#4878a8"/>`
        : `<rect x="${px(x(index) + 1)}" y="${px(top + h - 2)}" width="${px(Math.max(1, w / n - 2))}" height="2" fill="#999"/>`;
    return `<g><title>${escaped(label)}</title>${bar}</g>`;
  });
  const line = (values: readonly number[], colour: string) => {
    const points = values.map((v, i) => `${px(x(i + 1))},${px(v)}`).join(" ");
    return `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
  };
  const curves = path ? [line(sigma.map(y), "#222"), ...snrCurve(plan, path, line, w, h)] : [];
  const caption = path ? "bars: std drawn · black: σ · red: log-SNR" : "bars: std drawn";
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="20" font-size="14">${escaped(title)}</text>`,
    ...bars,
    ...curves,
    `<path d="M${left} ${top}V${top + h}H${left + w}${path ? `V${top}` : ""}" fill="none" stroke="#222"/>`,
    ...[0, 0.5, 1].map(
      (u) => `<text x="${left - 6}" y="${px(y(u * most) + 4)}" text-anchor="end">${num(u * most)}</text>`,
    ),
    `<text x="${left}" y="${height - 22}">t = ${num(plan.steps[0].t)}</text>`,
    `<text x="${left + w}" y="${height - 22}" text-anchor="end">${num(plan.steps[n - 1].s)}</text>`,
    `<text x="${left + w / 2}" y="${height - 6}" text-anchor="middle">${caption}</text>`,
    "</svg>",
  ].join("\n");
}

/** log-SNR at the steps' ends, those at the data left out, with its own axis. */
function snrCurve(
  plan: Plan,
  path: Path,
  line: (values: readonly number[], colour: string) => string,
  w: number,
  h: number,
): string[] {
  const values = plan.steps.map(({ s }) => path.at(s).logSnr);
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [];
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const y = (v: number) => top + h - (high === low ? h / 2 : (h * (v - low)) / (high - low));
  const until = values.indexOf(Number.POSITIVE_INFINITY);
  return [
    line(values.slice(0, until === -1 ? values.length : until).map(y), "#c33"),
    ...[low, high].map((v) => `<text x="${left + w + 6}" y="${px(y(v) + 4)}" fill="#c33">${num(v)}</text>`),
  ];
}

const titleOf = ({ steps, path }: Plan): string =>
  `${[...new Set(steps.map(({ rule }) => rule))].join(" + ")} on ${path}, ${steps.length} steps`;
const num = (v: number): string => String(Number(v.toPrecision(4)));
const px = (v: number): string => String(Math.round(v * 100) / 100);
const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
