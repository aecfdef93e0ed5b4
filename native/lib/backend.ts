import { loadBinding } from "./loader.ts";

/** What computes. */
export interface Backend {
  name: "cuda" | "avx512" | "avx2" | "scalar" | "neon" | "portable";
  threads: number;
  /** The forms that this machine can run, best first; ETALON_TARGET forces one. */
  available: string[];
}

/** The form in use. @throws EtalonError OUT_OF_RANGE, UNSUPPORTED: ETALON_TARGET or ETALON_NUM_THREADS asks for what there is not */
export function backend(): Backend {
  const { name, threads, available } = loadBinding().info();
  return { name: name as Backend["name"], threads, available };
}
