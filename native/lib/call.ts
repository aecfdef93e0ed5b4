import { EtalonError } from "@etalon/errors";
import type { Binding } from "./binding.ts";
import { loadBinding } from "./loader.ts";

/**
 * One call into the binding: its errors become EtalonErrors with the caller's stack. Where a result came out not finite, the inputs say which number did it.
 * @throws EtalonError NOT_FINITE: an input holds NaN or infinity, or a result leaves the range of a double; NATIVE: the library failed
 */
export function call(run: (binding: Binding) => void, inputs: Record<string, Float32Array | undefined> = {}): void {
  try {
    run(loadBinding());
  } catch (error) {
    if (EtalonError.is(error) || !(error instanceof Error)) throw error;
    if ((error as { code?: unknown }).code !== "ETALON_NOT_FINITE") {
      throw new EtalonError("NATIVE", {}, { message: `The native library failed: ${error.message}.`, cause: error });
    }
    for (const [name, input] of Object.entries(inputs)) {
      const at = input?.findIndex((value) => !Number.isFinite(value)) ?? -1;
      if (at < 0) continue;
      throw new EtalonError("NOT_FINITE", { argument: `${name}[${at}]`, value: input![at], allowed: "finite numbers" });
    }
    const message = `${error.message}: the inputs are finite, but too far apart for their std.`;
    throw new EtalonError("NOT_FINITE", {}, { message, cause: error });
  }
}
