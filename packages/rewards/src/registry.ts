import type { Reward } from "./Reward.ts";
import { brightness } from "./statistics/brightness.ts";
import { colourfulness } from "./statistics/colourfulness.ts";
import { type JpegOptions, jpegCompressibility, jpegIncompressibility } from "./statistics/jpegCompressibility.ts";

/** Options of all named rewards together; each takes those that its entry lists. */
export interface RewardOptions extends JpegOptions {}

interface Entry {
  description: string;
  options: readonly (keyof RewardOptions)[];
  load(options: RewardOptions): Reward | Promise<Reward>;
}

/** The rewards known by name. */
export const registry: Readonly<Record<string, Entry>> = {
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
