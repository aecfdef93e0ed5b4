import { rewardImages, rollOut, trainingPlan } from "@etalon/trainers";

/**
 * Rewards of pictures that the ODE draws, always from the same noise: a measurement for rises.mjs.
 * @param lists  prompts, by the name of their list    @param pictures  of each prompt    @returns by list: a row a prompt
 */
export async function measure({ pipeline, reward, config, lists, pictures }) {
  const rows = {};
  for (const [name, prompts] of Object.entries(lists)) {
    const each = prompts.flatMap((prompt) => Array(pictures).fill(prompt));
    const plan = trainingPlan(config, pipeline.path, "ode");
    const ids = Uint32Array.from(each, (_, i) => 2 ** 30 + i); // apart from training's
    const { images } = await rollOut({ pipeline, plan, prompts: each, seed: 1000, ids, batch: 32 });
    const { total } = await rewardImages(reward, images, each);
    rows[name] = prompts.map((_, i) => [...total.subarray(i * pictures, (i + 1) * pictures)]);
  }
  return rows;
}
