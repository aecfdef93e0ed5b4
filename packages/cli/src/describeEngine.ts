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
export function describeEngine({ name, version, threads, device, lacks, why }: Engine, addon: boolean): Finding {
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
    advice: adviceOn(name, addon),
  };
}

function adviceOn(name: Engine["name"], addon: boolean): string | undefined {
  if (name === "native" || name === "tfjs-node-gpu") return undefined;
  const gain = name === "wasm" ? "some five times faster" : "faster on a processor";
  if (addon) return `native runs here too and is ${gain}: without ETALON_ENGINE it is taken.`;
  return `native is ${gain}: it needs the addon (see the line \`native\`).`;
}
