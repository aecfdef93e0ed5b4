import { expectTypeOf, test } from "vitest";
import { type Backend, backend, logProb, normal, philox4x32, policyGradient, rollout, type StepMap } from "./index.ts";

test("the face has the types of its contract", () => {
  expectTypeOf(rollout<Float32Array>).returns.toEqualTypeOf<{ next: Float32Array; logp: Float64Array }>();
  expectTypeOf(rollout).parameter(0).toHaveProperty("map").toEqualTypeOf<StepMap | readonly StepMap[]>();
  expectTypeOf(logProb).returns.toEqualTypeOf<Float64Array>();
  expectTypeOf(policyGradient<Float32Array>)
    .returns.toHaveProperty("gradUncond")
    .toEqualTypeOf<Float32Array | undefined>();
  expectTypeOf(normal).returns.toEqualTypeOf<Float32Array>();
  expectTypeOf(philox4x32).parameters.toEqualTypeOf<[counter: Uint32Array, key: Uint32Array]>();
  expectTypeOf(backend).returns.toEqualTypeOf<Backend>();
});
