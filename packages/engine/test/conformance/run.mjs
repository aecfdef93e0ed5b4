// tfjs-core's own conformance tests, which ship inside it, on an engine: every failure must be one that known-failures.json lists with its reason, every listed one must fail
// still, and as many must pass as there are: suites that are not found would fail nothing.    npm run build, then: node test/conformance/run.mjs [--engine native] [--filter TEXT] [--list]
import { readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { engine, tf } from "@etalon/engine";
import { build } from "esbuild";
import jasmineCore from "jasmine-core";

const { values: options } = parseArgs({
  options: { engine: { type: "string", default: "native" }, filter: { type: "string" }, list: { type: "boolean" } },
});
/** Tests that pass at the least: of all 4,225 by TensorFlow.js 4.22, with some room for those that an engine leaves out by its kind. */
const least = options.filter ? 1 : 4200;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { name, version, threads } = await engine(options.engine);
globalThis.conformance = { backendName: tf.getBackend() };
globalThis.require = createRequire(import.meta.url); // tfjs-core's suites ask for Jasmine so

const bundle = here(`.bundle-${process.pid}.cjs`);
await build({
  entryPoints: [here("suites.js")],
  outfile: bundle,
  bundle: true,
  platform: "node",
  format: "cjs",
  external: ["jasmine-core/*"],
  mainFields: ["module", "main"],
  ignoreAnnotations: true, // the suites are side effects, which the package says it has none of
  logLevel: "error",
});
const jasmine = jasmineCore.boot();
const env = jasmine.getEnv();
env.configure({ random: false, specFilter: (spec) => !options.filter || spec.getFullName().includes(options.filter) });
const results = { passed: 0, failed: [], skipped: 0 };
env.addReporter({
  specDone({ fullName, status, failedExpectations }) {
    if (status === "passed") results.passed += 1;
    else if (status === "failed")
      results.failed.push({ name: fullName, message: failedExpectations[0]?.message ?? "" });
    else results.skipped += 1;
  },
});
const { warn } = console;
console.warn = () => {};
try {
  await import(pathToFileURL(bundle));
} finally {
  rmSync(bundle);
}
await env.execute();
console.warn = warn;

const known = JSON.parse(readFileSync(here("known-failures.json"), "utf8"));
const reasonOf = (name) => Object.entries(known).find(([pattern]) => name.includes(pattern))?.[1];
const news = results.failed.filter(({ name }) => reasonOf(name) === undefined);
const gone = options.filter
  ? []
  : Object.keys(known).filter((pattern) => !results.failed.some(({ name }) => name.includes(pattern)));
console.log(
  `tfjs-core ${tf.version_core} on ${name} ${version}, ${threads} threads: ${results.passed} passed, ${results.failed.length} failed, ${results.skipped} not for this backend`,
);
for (const { name, message } of options.list ? results.failed : news)
  console.log(`FAILED ${name}\n       ${message.split("\n")[0].slice(0, 300)}`);
for (const pattern of gone) console.log(`PASSES NOW, take it off the list: ${pattern}`);
const few = results.passed < least;
if (few) console.log(`TOO FEW: ${results.passed} passed; allowed: at least ${least}`);
process.exit(news.length + gone.length > 0 || few ? 1 : 0);
