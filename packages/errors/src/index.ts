export { check, type Range } from "./check.ts";
export { type ErrorCode, type ErrorDetail, EtalonError, show } from "./EtalonError.ts";
export { nearest } from "./nearest.ts";
