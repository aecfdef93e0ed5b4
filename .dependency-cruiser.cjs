/**
 * The arrows of docs/architecture.md: cli → gap → trainers → {gddim → {schedules, native}, rewards → models → {weights, schedules, engine → native}},
 * all onto errors. A package may import what lies below it, by its exports only.
 */
const below = {
  errors: [],
  schedules: [],
  native: [],
  weights: [],
  engine: ["native"],
  gddim: ["schedules", "native"],
  models: ["weights", "schedules", "engine", "native"],
  rewards: ["models", "weights", "schedules", "engine", "native"],
  trainers: ["gddim", "rewards", "models", "weights", "schedules", "engine", "native"],
  gap: ["trainers", "gddim", "rewards", "models", "weights", "schedules", "engine", "native"],
  cli: ["gap", "trainers", "gddim", "rewards", "models", "weights", "schedules", "engine", "native"],
  testkit: ["weights"],
};
const room = (name) => (name === "native" ? "^native/" : `^packages/${name}/`);
const tests = "(\\.test\\.ts$|/test/|/bench/|/scripts/)";

const arrows = Object.entries(below).map(([name, allowed]) => ({
  name: `arrow-${name}`,
  comment: `${name} may import only: ${["errors", ...allowed].join(", ")}`,
  severity: "error",
  from: { path: room(name), pathNot: tests },
  to: {
    path: "^(packages/[^/]+|native)/",
    pathNot: [name, "errors", ...allowed].map(room),
  },
}));

/** Another package's files may be reached by its name only, never by a path: what a path finds is not part of its exports. */
const deep = Object.keys(below).map((name) => ({
  name: `deep-${name}`,
  severity: "error",
  from: { path: room(name) },
  to: { path: "^(packages/[^/]+|native)/", pathNot: room(name), dependencyTypes: ["local"] },
}));

module.exports = {
  forbidden: [
    ...arrows,
    ...deep,
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "engine-only",
      comment: "TensorFlow.js is reached through @etalon/engine",
      severity: "error",
      from: { pathNot: "^packages/engine/" },
      to: { path: "node_modules/@tensorflow/" },
    },
    { name: "resolvable", severity: "error", from: { pathNot: "/dist/" }, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: ["node_modules", "/dist/"] },
    exclude: { path: ["/dist/", "/build/"] },
    tsConfig: { fileName: "tsconfig.base.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@etalon/source", "import", "node", "default", "types"],
    },
  },
};
