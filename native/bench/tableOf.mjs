/** The figures as a Markdown table: a row a case, a column a contender; medians in ns an element, and what multiple of etalon's each is. */
export function tableOf(results) {
  const names = [...new Set(results.flatMap(({ nsPerElement }) => Object.keys(nsPerElement)))];
  const cell = (figures, name) => {
    if (figures[name] === undefined) return "";
    const ratio = name === "etalon" ? "" : ` = ${(figures[name].median / figures.etalon.median).toFixed(2)}×`;
    return `${figures[name].median.toFixed(2)}${ratio}`;
  };
  const rows = results.map(({ operation, batch, dim, threads, nsPerElement }) => [
    `${operation}, ${batch} × ${dim.toLocaleString("en")}`,
    threads,
    ...names.map((name) => cell(nsPerElement, name)),
  ]);
  const header = ["ns an element, median", "threads", ...names];
  return [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
