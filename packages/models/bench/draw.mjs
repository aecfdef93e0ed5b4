import { Random } from "@etalon/models";

/** One picture a prompt by the ODE, from fixed noise, as latents: float32 [prompts × dim]. */
export function draw(pipeline, prompts, guidance, steps) {
  const dim = pipeline.latentShape().reduce((a, b) => a * b);
  const denoiser = pipeline.denoiser(prompts, { guidance });
  const random = new Random(2);
  let x = Float32Array.from({ length: prompts.length * dim }, () => random.normal());
  for (let i = 0; i < steps; i++) {
    const [t, s] = [i, i + 1].map((at) => pipeline.path.noiseTime * (1 - at / steps));
    const out = denoiser(x, t);
    const x0 = guidance === 1 ? out : out.uncond.map((value, j) => value + guidance * (out.cond[j] - value));
    x = x.map((value, j) => (s / t) * value + (1 - s / t) * x0[j]);
  }
  denoiser.dispose();
  return x;
}
