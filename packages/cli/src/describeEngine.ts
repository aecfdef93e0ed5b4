import type { Engine } from "@etalon/engine";

/** What `doctor` says of a thing it looked at. */
export interface Finding {
  what: string;
  ok: boolean;
  found: string;
  /** More to know, a line each. */
  more?: string[];
  advice?: string;
}

const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? "" : "s"}`;

/** The engine that runs: which, on what, why this one, what it lacks, and whether a faster one could run here. @param addon  whether the addon of @etalon/native was loaded */
export function describeEngine(engine: Engine, addon: boolean): Finding {
  const { name, version, threads, device, lacks, why } = engine;
  const [choice, ...passed] = why.split("; ");
  return {
    what: "engine",
    ok: true,
    found: `${name} ${version}, on the ${device === "gpu" ? "GPU" : "processor"}, ${plural(threads, "thread")}`,
    more: [
      `why: ${choice}${passed.length > 0 ? "; passed over:" : ""}`,
      ...passed.map((reason) => `     ${reason}`),
      `lacks: ${lacks.join("; ") || "nothing known"}`,
    ],
    advice: adviceOn(engine, addon),
  };
}

function adviceOn({ faster, slow }: Engine, addon: boolean): string | undefined {
  if (faster === undefined) return undefined;
  const gain = slow ? "several times faster" : "faster on a processor";
  if (addon) return `${faster} runs here too and is ${gain}: without ETALON_ENGINE it is taken.`;
  return `${faster} is ${gain}: it needs the addon (see the line \`native\`).`;
}
