import { writeFile } from "node:fs/promises";
import { gridPng, loadPipeline, Random } from "@etalon/models";

const pipeline = await loadPipeline("tiny");
const prompts = ["red heart", "grinning face", "blue circle", "red apple"];
const denoiser = pipeline.denoiser(prompts);

// The probability-flow ODE in ten steps; @etalon/gddim's sample() does this and every SDE beside it.
const [steps, start] = [10, pipeline.path.noiseTime];
const random = new Random(1);
let x = Float32Array.from({ length: prompts.length * 32 * 32 * 3 }, () => random.normal());
for (let i = 0; i < steps; i++) {
  const [t, s] = [start * (1 - i / steps), start * (1 - (i + 1) / steps)];
  const x0 = denoiser(x, t);
  x = x.map((value, j) => (s / t) * value + (1 - s / t) * x0[j]);
}

const images = pipeline.decode(x, prompts.length);
await writeFile("hearts.png", await gridPng(images, { scale: 4 }));
console.log(pipeline.name, pipeline.latentShape(), pipeline.path.prediction, images.count);

pipeline.model.addAdapter({ rank: 4, alpha: 8 });
console.log([...pipeline.model.parameters("lora").keys()].slice(0, 2).join("\n"));
pipeline.model.saveAdapter("adapter"); // adapter/pytorch_lora_weights.safetensors, for diffusers and PEFT
denoiser.dispose();
pipeline.dispose();
