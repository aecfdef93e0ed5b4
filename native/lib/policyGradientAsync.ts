import type { Binding } from "./binding.ts";
import { callAsync } from "./call.ts";
import type { Elements } from "./Elements.ts";
import { type PolicyGradient, type PolicyGradientOptions, policyGradientCall } from "./policyGradient.ts";

/**
 * `policyGradient` off the JavaScript thread, under the rules of `rolloutAsync`.
 * @throws EtalonError (as a rejection) as `policyGradient`; BUSY: an output that another call in progress writes
 */
export async function policyGradientAsync<G extends Elements = Float32Array>(
  options: PolicyGradientOptions<G>,
): Promise<PolicyGradient<G>> {
  const { args, inputs, half, outcome, result } = policyGradientCall(options);
  const forms = {
    sync: (binding: Binding) => binding.policyGradient(...args),
    async: (binding: Binding) => binding.policyGradientAsync?.(...args),
  };
  await callAsync(options.x.length, forms, outcome, inputs, half);
  return result;
}
