import { loadBinding } from "../loader.ts";

/** The numbers of a call that are no arrays of elements. */
export interface Params {
  batch: number;
  /** (a, b, std, guidance) of each step. */
  maps: Float64Array;
  key?: { seed: bigint; step: number; samples: Uint32Array };
  objective?: { mean: boolean; clip: number; klWeight: number; oldLogp: Float64Array; advantage: Float64Array };
}

const layout = 1;
const header = 8;

/** Writes a call's params as src/tf/params.h reads them: int32, doubles as their bits. */
export function paramsOf({ batch, maps, key, objective }: Params): Int32Array {
  const doubles = maps.length + (objective === undefined ? 0 : 2 + 2 * batch);
  const ids = key === undefined ? 0 : key.samples.length;
  const buffer = new ArrayBuffer(4 * header + 8 * doubles + 4 * ids);
  const words = new Int32Array(buffer);
  const numbers = new Float64Array(buffer, 4 * header, doubles);
  words[0] = layout;
  words[1] = loadBinding().info().threads;
  words[2] = batch;
  words[3] = maps.length / 4;
  numbers.set(maps);
  if (key !== undefined) {
    words[4] = Number(key.seed & 0xffffffffn);
    words[5] = Number(key.seed >> 32n);
    words[6] = key.step;
    words.set(key.samples, header + 2 * doubles);
  }
  if (objective !== undefined) {
    words[7] = objective.mean ? 1 : 0;
    numbers.set([objective.clip, objective.klWeight], maps.length);
    numbers.set(objective.oldLogp, maps.length + 2);
    numbers.set(objective.advantage, maps.length + 2 + batch);
  }
  return words;
}
