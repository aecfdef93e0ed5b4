export { EtalonError } from "@etalon/errors";
export { run } from "./run.ts";
