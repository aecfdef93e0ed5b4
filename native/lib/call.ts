import { EtalonError } from "@etalon/errors";
import type { Binding, Half } from "./binding.ts";
import type { Elements } from "./Elements.ts";
import { whileBusy } from "./inProgress.ts";
import { loadBinding } from "./loader.ts";
import { numberOf } from "./portable/float16.ts";

/** The arrays of a call by the names that its caller knows: for the error that says which number did it. */
export type Inputs = Record<string, Elements | undefined>;

/**
 * One call into the binding: its errors become EtalonErrors with the caller's stack. Where a result came out not finite, the inputs say which number did it.
 * @throws EtalonError NOT_FINITE: an input holds NaN or infinity, or a result leaves the range of a double; NATIVE: the library failed
 */
export function call(run: (binding: Binding) => void, inputs?: Inputs, half: Half = 0): void {
  try {
    run(loadBinding());
  } catch (error) {
    fail(error, inputs, half);
  }
}

/** Calls of fewer elements than this are over before a thread would have begun. */
const shortest = 1 << 16;

/**
 * As `call`, off the JavaScript thread where it is long enough to pay and the binding can; else here and now. Until the promise settles, the outputs are refused to other calls.
 * @throws EtalonError (as a rejection) as `call`
 */
export async function callAsync(
  count: number,
  forms: { sync: (binding: Binding) => void; async: (binding: Binding) => Promise<void> | undefined },
  outputs: readonly (ArrayBufferView | null)[],
  inputs?: Inputs,
  half: Half = 0,
): Promise<void> {
  if (count < shortest) return call(forms.sync, inputs, half);
  try {
    const binding = loadBinding();
    const running = forms.async(binding);
    if (running === undefined) forms.sync(binding);
    else await whileBusy(outputs, running);
  } catch (error) {
    fail(error, inputs, half);
  }
}

function fail(error: unknown, inputs: Inputs = {}, half: Half): never {
  if (EtalonError.is(error) || !(error instanceof Error)) throw error;
  if ((error as { code?: unknown }).code !== "ETALON_NOT_FINITE") {
    throw new EtalonError("NATIVE", {}, { message: `The native library failed: ${error.message}.`, cause: error });
  }
  for (const [name, input] of Object.entries(inputs)) {
    const at = input?.findIndex((value) => !Number.isFinite(numberOf(input, half, value))) ?? -1;
    if (at < 0) continue;
    const value = numberOf(input!, half, input![at]);
    throw new EtalonError("NOT_FINITE", { argument: `${name}[${at}]`, value, allowed: "finite numbers" });
  }
  const message = `${error.message}: the inputs are finite, but too far apart for their std${half === 2 ? " or for float16" : ""}.`;
  throw new EtalonError("NOT_FINITE", {}, { message, cause: error });
}
