// The picture of the model card: the prompts of tiny-train, then of tiny-heldout, without guidance; the same with guidance 3. Ten ODE steps, one picture a prompt, none chosen.
//    node bench/samples.mjs [model folder] [file]
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { engine } from "@etalon/engine";
import { gridPng, loadPipeline, loadPrompts } from "@etalon/models";
import { draw } from "./draw.mjs";

const asset = fileURLToPath(new URL("../assets/tiny/samples.png", import.meta.url));
const [model = "tiny", file = asset] = process.argv.slice(2);
await engine();
const pipeline = await loadPipeline(model);
const prompts = [...loadPrompts("tiny-train"), ...loadPrompts("tiny-heldout")];
const latents = [1, 3].map((guidance) => draw(pipeline, prompts, guidance, 10));
const both = new Float32Array(2 * latents[0].length);
both.set(latents[0]);
both.set(latents[1], latents[0].length);
writeFileSync(file, await gridPng(pipeline.decode(both, 2 * prompts.length), { columns: 16, scale: 2 }));
pipeline.dispose();
console.log(`wrote ${file}`);
