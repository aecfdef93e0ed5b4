import { defineReward, loadReward, mixRewards, perImage, scoreChecked } from "@etalon/rewards";

// Two 32×32 pictures, 8-bit RGB, one after the other: plain red, and stripes.
const red = Array(32 * 32)
  .fill([221, 46, 68])
  .flat();
const stripes = Array.from({ length: 32 * 32 * 3 }, (_, i) => (i % 12 < 6 ? 255 : 0));
const images = { data: Uint8Array.from([...red, ...stripes]), count: 2, width: 32, height: 32 };
const prompts = ["red circle", "zebra"];

const size = await loadReward("jpeg-incompressibility"); // kB
const dark = defineReward("dark", (batch) =>
  perImage(batch, (rgb) => 1 - rgb.reduce((a, b) => a + b) / rgb.length / 255),
);
const mix = mixRewards(
  [
    { reward: size, weight: 1 },
    { reward: dark, weight: 0.5 },
  ],
  "advantage",
);

for (const reward of [size, dark, mix]) {
  const scores = await scoreChecked(reward, images, prompts); // one finite number an image, or an error that names the reward
  console.log(reward.name, Array.from(scores, (score) => score.toFixed(3)).join(" "));
}
