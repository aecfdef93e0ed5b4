import type { Binding } from "./binding.ts";
import { callAsync } from "./call.ts";
import type { Elements } from "./Elements.ts";
import { type Rollout, type RolloutOptions, rolloutCall } from "./rollout.ts";

/**
 * `rollout` off the JavaScript thread: the same results, while this thread does something else. Calls of fewer than 65,536 elements, and all of the portable form, run here
 * and now. Leave the arrays alone until the promise settles, above all do not transfer them.
 * @throws EtalonError (as a rejection) as `rollout`; BUSY: an output that another call in progress writes
 */
export async function rolloutAsync<X extends Elements = Float32Array>(options: RolloutOptions<X>): Promise<Rollout<X>> {
  const { args, inputs, half, result } = rolloutCall(options);
  const forms = {
    sync: (binding: Binding) => binding.rollout(...args),
    async: (binding: Binding) => binding.rolloutAsync?.(...args),
  };
  await callAsync(result.next.length, forms, [result.next, result.logp], inputs, half);
  return result;
}
