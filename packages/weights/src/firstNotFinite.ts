import { type EtalonError, show } from "@etalon/errors";
import { badFile } from "./badFile.ts";
import type { StoredTensor } from "./dtype.ts";
import { float8Values, isFloat8 } from "./float8.ts";

/** The number of the first element that is NaN or infinite; −1: all are finite, or no floats. F4 and the 6-bit floats have neither. */
export function firstNotFinite({ dtype, data }: StoredTensor): number {
  if (dtype === "F16" || dtype === "BF16") {
    const exponent = dtype === "F16" ? 0x7c00 : 0x7f80;
    return (data as Uint16Array).findIndex((word) => (word & exponent) === exponent);
  }
  if (isFloat8(dtype)) {
    const values = float8Values(dtype);
    return (data as Uint8Array).findIndex((word) => !Number.isFinite(values[word]));
  }
  if (dtype !== "F32" && dtype !== "F64" && dtype !== "C64") return -1;
  const at = (data as Float32Array).findIndex((value) => !Number.isFinite(value));
  return dtype === "C64" && at >= 0 ? at >> 1 : at;
}

/** That a tensor of a file is finite. @throws EtalonError BAD_FILE: names it and its first element that is not */
export function checkFinite(file: string, name: string, tensor: StoredTensor): StoredTensor {
  const at = firstNotFinite(tensor);
  if (at >= 0) throw notFinite(file, name, tensor.shape, at);
  return tensor;
}

/** The error of a tensor that is not finite: at its element number `at`, row-major. */
export function notFinite(file: string, name: string, shape: readonly number[], at: number): EtalonError {
  let rest = at;
  const index = shape.map(() => 0);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return badFile(file, `tensor ${show(name)} is NaN or infinite at [${index.join(", ")}]`, "finite numbers, unless finite: false asks for what is there"); // biome-ignore format: one thought
}
