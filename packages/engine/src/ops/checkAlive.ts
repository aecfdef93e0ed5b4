import { EtalonError } from "@etalon/errors";
import type { Tensor } from "@tensorflow/tfjs";

/** Refuses a tensor that was disposed, also where a clone of it keeps its values. @throws EtalonError BAD_TYPE */
export function checkAlive(argument: string, tensor: Pick<Tensor, "isDisposed">): void {
  if (!tensor.isDisposed) return;
  const allowed = "a tensor that is alive";
  throw new EtalonError(
    "BAD_TYPE",
    { argument, allowed },
    { message: `${argument} was disposed; allowed: ${allowed}.` },
  );
}
