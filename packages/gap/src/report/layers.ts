/** Parts of a Vega-Lite specification. */
export type Encoding = Record<string, unknown>;
export type Layer = Record<string, unknown>;

/** A line, its points, and their 95 % bars. */
export function lines(x: Encoding, title: string, more: Encoding, under: Layer[] = []): Layer[] {
  const y = { field: "mean", type: "quantitative", title, scale: { zero: false } };
  const { strokeDash: _, ...plain } = more;
  return [
    ...under,
    {
      mark: { type: "rule", strokeWidth: 1.5, opacity: 0.75 },
      encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, ...plain },
    },
    { mark: { type: "line", strokeWidth: 2 }, encoding: { x, y, ...more } },
    { mark: { type: "point", filled: true, size: 46, opacity: 1 }, encoding: { x, y, ...plain } },
  ];
}

/** A line at zero. */
export const zero = (): Layer => ({
  mark: { type: "rule", color: "currentColor", opacity: 0.5 },
  encoding: { y: { datum: 0 } },
});
