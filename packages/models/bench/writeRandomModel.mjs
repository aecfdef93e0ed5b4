import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/**
 * Writes a model's folder with random F16 weights a tensor at a time, so that a file larger than memory could be made: config.json, diffusion_pytorch_model.safetensors.
 * Matrices are small and uniform, gains one, shifts zero.
 * @param specs  the parameters' names and shapes, in order
 */
export function writeRandomModel(folder, config, specs) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  const header = {};
  let end = 0;
  const sizes = specs.map(({ name, shape }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: "F16", shape, data_offsets: [end, end + 2 * size] };
    end += 2 * size;
    return size;
  });
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, " ");
  json.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const file = openSync(join(folder, "diffusion_pytorch_model.safetensors"), "w");
  for (const part of [length, padded]) writeSync(file, part);
  let state = 1;
  for (const [i, { name, shape }] of specs.entries()) {
    const words = new Uint16Array(sizes[i]);
    if (shape.length > 1) {
      // sign and fraction at random, the exponent that of ±(1 … 2)·scale, scale a power of two near 1/√inputs
      const inputs = shape.slice(1).reduce((a, b) => a * b);
      const exponent = 15 + Math.floor(Math.log2(0.7 / Math.sqrt(inputs)));
      for (let at = 0; at < words.length; at++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        words[at] = ((state >>> 16) & 0x8000) | (exponent << 10) | ((state >>> 12) & 0x3ff);
      }
    } else if (name.endsWith(".weight")) words.fill(0x3c00);
    writeSync(file, Buffer.from(words.buffer));
  }
  closeSync(file);
  return end;
}
