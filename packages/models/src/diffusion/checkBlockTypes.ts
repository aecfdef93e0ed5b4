import { EtalonError } from "@etalon/errors";

/** A kind of block for each level, on the way down and on the way up. @param levels  how many block_out_channels tells    @throws EtalonError BAD_CONFIG */
export function checkBlockTypes(levels: number, types: Readonly<Record<string, readonly string[]>>): void {
  for (const [argument, { length }] of Object.entries(types)) {
    if (length === levels) continue;
    throw new EtalonError("BAD_CONFIG", { argument, value: length, allowed: `${levels} blocks, as block_out_channels has` }); // biome-ignore format: one thought
  }
}
