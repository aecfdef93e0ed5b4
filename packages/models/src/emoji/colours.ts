/** Named colours of the emoji sets' palettes, as RGB. */
const named: Readonly<Record<string, readonly [number, number, number]>> = {
  red: [221, 46, 68],
  orange: [244, 144, 12],
  yellow: [255, 204, 77],
  green: [119, 178, 85],
  "dark-green": [62, 114, 29],
  blue: [85, 172, 238],
  "dark-blue": [34, 102, 153],
  purple: [146, 102, 204],
  pink: [244, 171, 186],
  brown: [138, 75, 56],
  tan: [217, 158, 130],
  black: [41, 47, 51],
  grey: [136, 153, 166],
  silver: [204, 214, 221],
  white: [245, 248, 250],
};

/**
 * The (at most three) named colours that cover more than 12 % of a picture's opaque pixels, most first.
 * @param rgba  8-bit RGBA pixels
 */
export function dominantColours(rgba: Uint8Array): string[] {
  const counts = new Map<string, number>();
  let opaque = 0;
  for (let i = 0; i < rgba.length; i += 4) {
    if (rgba[i + 3] < 128) continue;
    opaque += 1;
    const name = nearestColour(rgba[i], rgba[i + 1], rgba[i + 2]);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, n]) => n > 0.12 * opaque)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([name]) => name);
}

function nearestColour(r: number, g: number, b: number): string {
  let best = "";
  let least = Infinity;
  for (const [name, [r2, g2, b2]] of Object.entries(named)) {
    const distance = (r - r2) ** 2 + (g - g2) ** 2 + (b - b2) ** 2;
    if (distance < least) [best, least] = [name, distance];
  }
  return best;
}
