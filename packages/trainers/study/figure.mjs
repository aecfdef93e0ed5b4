// The study as a picture: a row a config, its rise of tiny-clip on the prompts that were trained on. Rewards of other units are left to the tables.

const [left, right, rowHeight, heading] = [250, 30, 22, 34];
const width = 760;

/** @returns SVG text, self-contained: a dot a seed, a bar for the mean ± one standard error over trainings, a dashed line for what a group is held against */
export function figure(tables) {
  const panels = tables
    .map(({ group, first, rows }) => ({ group, first, rows: rows.filter(({ reward }) => reward === "tiny-clip") }))
    .filter(({ rows }) => rows.length > 0);
  const rows = panels.flatMap((panel) => panel.rows);
  const values = rows.flatMap((row) => [...endsOf(row), ...row.bySeed.map(({ rise }) => rise)]);
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const x = (value) => left + ((width - left - right) * (value - low)) / (high - low || 1);
  const parts = [];
  let top = 8;
  for (const { group, first, rows } of panels) {
    const [begin, end] = [top + heading, top + heading + rows.length * rowHeight];
    parts.push(text(12, top + 24, group === "presets" ? "presets, as they are" : group, 'font-weight="600"'));
    parts.push(line(x(0), begin, x(0), end, "#222"));
    const reference = rows.find(({ name }) => name === first);
    if (reference)
      parts.push(line(x(reference.rise), begin, x(reference.rise), end, "#0f8fb3", 'stroke-dasharray="4 3"'));
    for (const [i, row] of rows.entries()) parts.push(...rowOf(row, begin + (i + 0.5) * rowHeight, x));
    top = end + 6;
  }
  const step = high - low > 1.2 ? 0.5 : 0.1;
  for (let k = Math.ceil(low / step); k * step <= high; k++) parts.push(text(x(k * step), top + 16, (k * step).toFixed(1).replace("-", "−"), 'text-anchor="middle"')); // biome-ignore format: a tick
  parts.push(text(x((low + high) / 2), top + 36, "rise of tiny-clip; dots: seeds; bars: mean ± s.e. over trainings", 'text-anchor="middle"')); // biome-ignore format: the caption
  const height = top + 48;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" role="img">`,
    "<title>Rise of tiny-clip by preset and setting</title>",
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

const endsOf = ({ rise, sem, semOverSeeds = sem }) => [rise - semOverSeeds, rise + semOverSeeds];

function rowOf(row, y, x) {
  const { name, bySeed, rise } = row;
  const [low, high] = endsOf(row);
  return [
    text(left - 12, y + 4, name, 'text-anchor="end"'),
    line(x(low), y, x(high), y, "#d9822b", 'stroke-width="3"'),
    line(x(rise), y - 6, x(rise), y + 6, "#d9822b", 'stroke-width="3"'),
    ...bySeed.map((seed) => `<circle cx="${px(x(seed.rise))}" cy="${px(y)}" r="3" fill="#222" fill-opacity="0.55"/>`),
  ];
}

const px = (v) => String(Math.round(v * 100) / 100);
const escaped = (words) => words.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const text = (x, y, words, more) => `<text x="${px(x)}" y="${px(y)}" ${more}>${escaped(words)}</text>`;
const line = (x1, y1, x2, y2, colour, more = "") =>
  `<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" stroke="${colour}" ${more}/>`;
