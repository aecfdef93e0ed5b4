import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodePng } from "@etalon/models";
import { afterAll, describe, expect, test } from "vitest";
import { html, table } from "./html.ts";
import { renderReport } from "./renderReport.ts";

const root = mkdtempSync(join(tmpdir(), "etalon-report-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folder(name: string, files: Record<string, string>): string {
  const place = join(root, name);
  mkdirSync(place, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(place, file), text);
  return place;
}

const line = (step: number) => ({
  step,
  epoch: step,
  reward: { mean: step, std: 1 },
  loss: 0,
  ratio: { mean: 1, max: 1 },
  clipFraction: 0,
  kl: 0,
  gradNorm: step === 2 ? null : 0.1,
  lr: 1e-4,
  skipped: 0,
  seconds: { rollout: 1, reward: 1, update: 1 },
});

describe("the report of a run", () => {
  test("has its metrics, measurements, samples and config, and loads nothing", async () => {
    const gap = {
      epoch: 5,
      eta: 1.2,
      steps: 8,
      guidance: 1,
      n: 4,
      reward: "r",
      sde: { mean: 1, sem: 0.1 },
      ode: { mean: 1.5, sem: 0.1 },
      gap: { mean: -0.5, sem: 0.05 },
    };
    const dir = folder("run", {
      "config.json": JSON.stringify({ reward: "<b>my & reward</b>", sampler: { eta: 1.2 } }),
      "metrics.jsonl": `${[1, 2, 3].map((step) => JSON.stringify(line(step))).join("\n")}\n{"step":4,"ep`,
      "gap.jsonl": `${JSON.stringify(gap)}\n`,
    });
    mkdirSync(join(dir, "samples"));
    writeFileSync(
      join(dir, "samples", "000002.png"),
      await encodePng({ data: new Uint8Array(12), count: 1, width: 2, height: 2 }, 0),
    );
    const page = readFileSync(await renderReport(dir), "utf8");
    expect(page).toContain("1.000 → 3.000"); // the line that a kill cut short is left out
    expect(page).toContain("−0.500 ± 0.098");
    expect(page).toContain("epoch 2</figcaption>");
    expect(page).toContain("&lt;b&gt;my &amp; reward&lt;/b&gt;");
    expect(page).not.toContain("<b>my");
    expect(page).not.toMatch(/https?:|<script|<link|undefined|NaN/i);
  });

  test("counts updates in whole numbers, and gives a value that never moves its decimals", async () => {
    const updates = [1, 2, 3].map((step) => ({ ...line(step), clipFraction: 0.25 }));
    const dir = folder("few", {
      "config.json": "{}",
      "metrics.jsonl": updates.map((update) => `${JSON.stringify(update)}\n`).join(""),
    });
    const page = readFileSync(await renderReport(dir), "utf8");
    const texts = [...page.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
    const axes = texts.join(" ").split(" update ").slice(0, 4);
    expect(axes.map((text) => text.slice(-5))).toEqual(Array(4).fill("1 2 3"));
    expect(texts.slice(-2)).toEqual(["0.25", "share clipped"]);
    expect(texts).toContain("0.1"); // the gradient norm, which is missing once
  });

  test("is there before the first update", async () => {
    const dir = folder("young", { "config.json": "{}", "metrics.jsonl": "" });
    expect(readFileSync(await renderReport(dir), "utf8")).toContain("No update is done yet.");
  });
});

test("refuses a folder that is none, and files that are cut", async () => {
  await expect(renderReport(folder("empty", {}))).rejects.toThrow(
    "allowed: the folder of a study (with study.json) or of a run",
  );
  await expect(renderReport(folder("cut", { "study.json": '{"runs": [' }))).rejects.toMatchObject({ code: "BAD_FILE" });
  const broken = folder("broken", { "config.json": "{}", "metrics.jsonl": "{}\nnonsense\n{}\n" });
  await expect(renderReport(broken)).rejects.toThrow("line 2 is ");
});

test("a report that cannot be written names its file", async () => {
  const dir = folder("taken", { "config.json": "{}", "metrics.jsonl": "" });
  mkdirSync(join(dir, "report.html"));
  const message = expect.stringMatching(/^file is ".*report\.html"; allowed: a place that can be written\. EISDIR/);
  await expect(renderReport(dir)).rejects.toMatchObject({ code: "IO", message });
});

test("markup escapes what is put in, and sets columns of numbers to the right", () => {
  expect(html`<i title="${'"'}">${"<&'"}${html`<b>${1}</b>`}${undefined}</i>`.html).toBe(
    '<i title="&quot;">&lt;&amp;&#39;<b>1</b></i>',
  );
  const { html: text } = table(["name", "gap"], [["a", "−0.1 ± 0.2"], ["b", "0.3"]]); // biome-ignore format: one thought
  expect(text).toContain('<th>name</th><th class="number">gap</th>');
});
