import { EtalonError } from "@etalon/errors";

/** The outputs of calls that run off the JavaScript thread now. */
const outputs = new Set<ArrayBufferView>();

/** Refuses an output that a call in progress writes. @throws EtalonError BUSY */
export function refuseBusy(argument: string, out: ArrayBufferView): void {
  for (const other of outputs) {
    if (other.buffer !== out.buffer) continue;
    if (out.byteOffset + out.byteLength <= other.byteOffset || other.byteOffset + other.byteLength <= out.byteOffset)
      continue;
    throw new EtalonError("BUSY", { argument, value: out, allowed: "memory that no call in progress writes" });
  }
}

/** Holds the outputs of a call until it is over. */
export async function whileBusy(mine: readonly (ArrayBufferView | null)[], running: Promise<void>): Promise<void> {
  const held = mine.filter((out) => out !== null);
  for (const out of held) outputs.add(out);
  try {
    await running;
  } finally {
    for (const out of held) outputs.delete(out);
  }
}
