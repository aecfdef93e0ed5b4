import type { Reward } from "./Reward.ts";
import { brightness } from "./statistics/brightness.ts";
import { colourfulness } from "./statistics/colourfulness.ts";
import { type JpegOptions, jpegCompressibility, jpegIncompressibility } from "./statistics/jpegCompressibility.ts";
import type { TinyClipOptions } from "./tinyClip/tinyClipReward.ts";

/** Options of all named rewards together; each takes those that its entry lists. */
export interface RewardOptions extends JpegOptions, TinyClipOptions {}

interface Entry {
  description: string;
  options: readonly (keyof RewardOptions)[];
  load(options: RewardOptions): Reward | Promise<Reward>;
}

/** The rewards known by name. Those with a model load it, and the tensor engine, only when asked for. */
export const registry: Readonly<Record<string, Entry>> = {
  "tiny-clip": {
    description: "10 × cosine of picture and prompt in a small text–image model trained on emoji",
    options: ["dir"],
    load: async (options) => (await import("./tinyClip/tinyClipReward.ts")).tinyClipReward(options),
  },
  "jpeg-compressibility": {
    description: "minus the image's size as JPEG (quality 95, 4:2:0), in kB",
    options: ["quality"],
    load: jpegCompressibility,
  },
  "jpeg-incompressibility": {
    description: "the image's size as JPEG (quality 95, 4:2:0), in kB",
    options: ["quality"],
    load: jpegIncompressibility,
  },
  brightness: { description: "mean luma, 0 (black) to 1 (white)", options: [], load: brightness },
  colourfulness: {
    description: "Hasler & Süsstrunk's colourfulness, 0 (grey) to about 100",
    options: [],
    load: colourfulness,
  },
};
