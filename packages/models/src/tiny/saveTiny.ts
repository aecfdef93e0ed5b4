import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Variable } from "@etalon/engine";
import writeFileAtomic from "write-file-atomic";
import type { TinyTokenizer } from "./TinyTokenizer.ts";
import type { TinyTransformer2DModel } from "./TinyTransformer2DModel.ts";

/** Writes a model's folder as TinyPipeline.load reads it. @param variables  in place of the model's own: averages of them, say */
export function saveTiny(
  folder: string,
  { config, parameters }: TinyTransformer2DModel,
  { length, vocabulary }: TinyTokenizer,
  dtype: "F32" | "F16",
  variables: ReadonlyMap<string, Variable> = parameters.variables,
): void {
  mkdirSync(folder, { recursive: true });
  parameters.save(join(folder, "diffusion_pytorch_model.safetensors"), dtype, variables);
  writeFileAtomic.sync(join(folder, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
  writeFileAtomic.sync(join(folder, "tokenizer.json"), `${JSON.stringify({ length, vocabulary })}\n`);
}
