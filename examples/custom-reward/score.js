// Scores three flat pictures, as a trainer would: every score checked.
import { loadReward, scoreChecked } from "@etalon/rewards";

const colours = { red: [255, 0, 0], grey: [128, 128, 128], blue: [0, 0, 255] };
const data = Uint8Array.from(
  Object.values(colours).flatMap((rgb) =>
    Array(32 * 32)
      .fill(rgb)
      .flat(),
  ),
);
const reward = await loadReward("./redness.js");
const scores = await scoreChecked(reward, { data, count: 3, width: 32, height: 32 }, ["", "", ""]);
for (const [i, name] of Object.keys(colours).entries()) console.log(name, scores[i].toFixed(3));
