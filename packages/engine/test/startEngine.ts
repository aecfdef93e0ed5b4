import { type EngineName, engine } from "../src/index.ts";

/** Tests run on wasm, or on the engine that ETALON_ENGINE names: a process has one backend. */
export const started = await engine((process.env.ETALON_ENGINE as EngineName | undefined) || "wasm");
