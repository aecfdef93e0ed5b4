import { join } from "node:path";
import { type Tensor, tf, type Variable } from "@etalon/engine";
import type { Conditioning, Pipeline, PromptDenoiser, TrainableModel } from "@etalon/models";
import { type Path, rectifiedFlow } from "@etalon/schedules";
import { readSafetensors, toFloat32, writeSafetensors } from "@etalon/weights";

const side = 4;
const shape = [side, side, 3];
const dim = side * side * 3;

/** A pipeline for tests: o = scale·x + shift + t·word, and an "adapter" that adds to the shift. Images of 4×4 pixels. */
export function fakePipeline(path: Path = rectifiedFlow({ prediction: "sample", noiseTime: 0.98 })): Pipeline {
  const weights = new Map<string, Variable>([
    ["scale", variable(() => tf.fill([dim], 0.5))],
    ["shift", variable(() => tf.linspace(-0.2, 0.2, dim))],
  ]);
  const lora = new Map<string, Variable>();
  let enabled = false;
  const model: TrainableModel = {
    config: {},
    hasAdapter: true,
    addAdapter(_config, seed = 0) {
      lora.get("shift.lora_A")?.dispose();
      lora.set(
        "shift.lora_A",
        variable(() => tf.fill([dim], 1e-3 * seed)),
      );
      enabled = true;
    },
    loadAdapter: (place) => {
      load(lora, join(place, "pytorch_lora_weights.safetensors"));
      enabled = true;
    },
    saveAdapter: (folder) => save(lora, join(folder, "pytorch_lora_weights.safetensors")),
    setAdapterEnabled: (on) => {
      enabled = on;
    },
    parameters: (choice) => (choice === "lora" ? lora : weights),
    save: (file) => save(weights, file),
    load: (file) => load(weights, file),
    dispose: () => {
      for (const variable of [...weights.values(), ...lora.values()]) variable.dispose();
    },
  };
  const predict = (x: Tensor, t: number, { tensors, count }: Conditioning): Tensor => {
    const flat = x.reshape([count, dim]);
    const shift = enabled ? tf.add(weights.get("shift") as Tensor, lora.get("shift.lora_A") as Tensor) : weights.get("shift") as Tensor; // biome-ignore format: one thought
    return flat
      .mul(weights.get("scale") as Tensor)
      .add(shift)
      .add(tensors.word.mul(t))
      .tanh()
      .reshape(x.shape);
  };
  const encodePrompts = (prompts: readonly string[]): Conditioning => {
    const word = tf.tensor(prompts.map((prompt) => prompt.length / 100), [prompts.length, 1]); // biome-ignore format: short
    return { count: prompts.length, tensors: { word }, dispose: () => word.dispose() };
  };
  return {
    name: "fake",
    path,
    model,
    defaults: { steps: 4, guidance: 1 },
    latentShape: () => shape,
    encodePrompts,
    predict,
    denoiser(prompts, { guidance = 1 } = {}) {
      const run = (texts: readonly string[], x: Float32Array, t: number) => {
        const conditioning = encodePrompts(texts);
        const out = tf.tidy(() => predict(tf.tensor(x, [texts.length, ...shape]), t, conditioning));
        const values = out.dataSync<"float32">().slice();
        tf.dispose([out, conditioning.tensors.word]);
        return values;
      };
      const denoise = (x: Float32Array, t: number) => {
        const cond = run(prompts, x, t);
        return guidance === 1 ? cond : { cond, uncond: run(prompts.map(() => ""), x, t) }; // biome-ignore format: short
      };
      return Object.assign(denoise, { dispose: () => undefined }) as PromptDenoiser;
    },
    decode: (latents, count) => {
      const data = Uint8Array.from(latents, (v) => Math.max(0, Math.min(255, Math.round((v + 1) * 127.5))));
      return { data, count, width: side, height: side };
    },
    unknownWords: () => [],
    save: (folder) => model.save(join(folder, "diffusion_pytorch_model.safetensors")),
    dispose: () => model.dispose(),
  };
}

const variable = (values: () => Tensor): Variable => tf.tidy(() => tf.variable(values()));

function save(variables: ReadonlyMap<string, Variable>, file: string): void {
  const entries = [...variables].map(([name, variable]) => {
    const data = variable.dataSync<"float32">().slice();
    return [name, { dtype: "F32" as const, shape: variable.shape, data }];
  });
  writeSafetensors(file, Object.fromEntries(entries));
}

function load(variables: Map<string, Variable>, file: string): void {
  const stored = readSafetensors(file);
  for (const name of stored.names) {
    const tensor = stored.get(name);
    variables.get(name)?.dispose();
    variables.set(
      name,
      variable(() => tf.tensor(toFloat32(tensor), [...tensor.shape])),
    );
  }
}
