import { type EngineName, engine } from "../src/index.ts";

/** Tests run on the engine that ETALON_ENGINE names, or on the default one: a process has one backend. */
export const started = await engine((process.env.ETALON_ENGINE as EngineName | undefined) || "auto");
