// How well the tiny default draws: of pictures drawn for emoji's names, how many are nearest (pixel by pixel) to the picture of that very emoji among all base emoji, how
// many have it among their five nearest, and how many are nearest to one of the same kind.    node bench/recognition.mjs [model folder]
import { engine } from "@etalon/engine";
import { loadPipeline, loadPrompts, Random } from "@etalon/models";
import { loadEmoji } from "@etalon/models/emoji";
import { draw } from "./draw.mjs";

const [steps, dim] = [10, 32 * 32 * 3];
const { name } = await engine();
const pipeline = await loadPipeline(process.argv[2] ?? "tiny");
const data = await loadEmoji();
const base = data.entries.flatMap(({ tone }, i) => (tone === "" ? [i] : []));
const names = base.map((i) => data.entries[i].name);
const listed = [...loadPrompts("tiny-train"), ...loadPrompts("tiny-heldout")];
const common = base
  .map((i) => data.entries[i])
  .filter(({ category }) => ["smileys emotion", "animals nature", "food drink"].includes(category))
  .map((entry) => entry.name)
  .filter((name) => !listed.includes(name));
const groups = {
  "tiny-train": loadPrompts("tiny-train"),
  "tiny-heldout": loadPrompts("tiny-heldout"),
  "100 other faces, animals, plants, food": new Random(1).shuffle(common).slice(0, 100),
};

function nearest(picture, count) {
  const distance = (i) => {
    const other = data.images.subarray(i * dim, (i + 1) * dim);
    return picture.reduce((sum, value, j) => sum + (Math.max(-1, Math.min(1, value)) - other[j]) ** 2, 0);
  };
  const ranked = base.map((i) => [distance(i), i]).sort((a, b) => a[0] - b[0]);
  return ranked.slice(0, count).map(([, i]) => data.entries[i]);
}

console.log(`engine ${name}, ${steps} ODE steps, ${base.length} base emoji`);
for (const guidance of [1, 3]) {
  for (const [group, prompts] of Object.entries(groups)) {
    const pictures = draw(pipeline, prompts, guidance, steps);
    const found = prompts.map((prompt, i) => {
      const five = nearest(pictures.subarray(i * dim, (i + 1) * dim), 5);
      const kind = data.entries[base[names.indexOf(prompt)]].subcategory;
      return [five[0].name === prompt, five.some((entry) => entry.name === prompt), five[0].subcategory === kind];
    });
    const share = (k) => `${Math.round((100 * found.filter((hits) => hits[k]).length) / prompts.length)} %`;
    console.log(`guidance ${guidance}, ${group}: itself ${share(0)}, in five ${share(1)}, same kind ${share(2)}`);
  }
}
pipeline.dispose();
