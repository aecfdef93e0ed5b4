import { defineReward, perImage } from "@etalon/rewards";

/** The share of red in a picture's light: 1 for pure red, 1/3 for grey and for black. */
export default defineReward("redness", (images) =>
  perImage(images, (rgb) => {
    const sums = [1, 1, 1];
    for (let i = 0; i < rgb.length; i++) sums[i % 3] += rgb[i];
    return sums[0] / (sums[0] + sums[1] + sums[2]);
  }),
);
