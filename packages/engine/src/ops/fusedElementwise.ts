import type { Tensor } from "@tensorflow/tfjs";
import { hasFused, isTaped, runFused, withGradients } from "./fused.ts";

/** An activation by one kernel each way, Etalon`name` and Etalon`name`Gradient(dy, x); undefined where the engine has none. */
export function fusedElementwise(name: string, x: Tensor): Tensor | undefined {
  if (x.dtype !== "float32" || !hasFused(`Etalon${name}`)) return undefined;
  const forward = () => runFused<Tensor>(`Etalon${name}`, { x });
  if (!isTaped()) return forward();
  return withGradients(
    [x],
    () => ({ value: forward(), saved: [x] }),
    (dy, [input]) => [runFused<Tensor>(`Etalon${name}Gradient`, { dy, x: input })],
  );
}
