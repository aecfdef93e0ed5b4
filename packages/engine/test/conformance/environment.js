// Bundled by run.mjs, before the suites: they ask for the environments when they are loaded.
import { setTestEnvs } from "@tensorflow/tfjs-core/dist/jasmine_util";

const { backendName } = globalThis.conformance;
setTestEnvs([{ name: "conformance", backendName, isDataSync: true }]);
