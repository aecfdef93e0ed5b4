import type { Binding } from "./binding.ts";
import { callAsync } from "./call.ts";
import { type LogProbOptions, logProbCall } from "./logProb.ts";

/**
 * `logProb` off the JavaScript thread, under the rules of `rolloutAsync`.
 * @throws EtalonError (as a rejection) as `logProb`; BUSY: an output that another call in progress writes
 */
export async function logProbAsync(options: LogProbOptions & { out?: Float64Array }): Promise<Float64Array> {
  const { args, inputs, half, logp } = logProbCall(options);
  const forms = {
    sync: (binding: Binding) => binding.logProb(...args),
    async: (binding: Binding) => binding.logProbAsync?.(...args),
  };
  await callAsync(options.x.length, forms, [logp], inputs, half);
  return logp;
}
