import { mkdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

/**
 * A TypeScript file as one that Node can run: the packages of this repository within, from source, others outside. Files keep their own import.meta.url, and so find their assets.
 * @param root  the package's folder: the result lies in its node_modules/.cache, where its dependencies are found
 */
export async function bundleSource(entry: URL, root: URL): Promise<URL> {
  const folder = fileURLToPath(new URL("node_modules/.cache/", root));
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${basename(entry.pathname, ".ts")}-${process.pid}.mjs`);
  await build({
    entryPoints: [fileURLToPath(entry)],
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
