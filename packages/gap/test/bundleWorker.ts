import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

/**
 * The study's worker from source as one file that Node can run, since Node loads no TypeScript: the packages of this repository within, others outside. Files keep
 * their own import.meta.url, and so find their assets.
 */
export async function bundleWorker(): Promise<URL> {
  const folder = fileURLToPath(new URL("../node_modules/.cache/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `worker-${process.pid}.mjs`);
  await build({
    entryPoints: [fileURLToPath(new URL("../src/study/worker.ts", import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["@etalon/source"],
    logLevel: "error",
    plugins: [
      {
        name: "sources",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
            kind === "entry-point" || path.startsWith("@etalon/") ? undefined : { external: true },
          );
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const own = JSON.stringify(pathToFileURL(path).href);
            return { loader: "ts", contents: readFileSync(path, "utf8").replaceAll("import.meta.url", own) };
          });
        },
      },
    ],
  });
  return pathToFileURL(outfile);
}
