import { engineNames } from "@etalon/engine";
import { ruleNames } from "@etalon/gddim";
import { z } from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal signs");

/** All that a picture was drawn by: it stands in the PNG as JSON, and drawing by it again gives the same bytes. */
export const PictureConfig = z.strictObject({
  etalon: z.literal(1).describe("The form of this config."),
  model: z.string().min(1).describe("A built-in name, a folder, or a model of the hub with its commit."),
  variant: z.string().min(1).nullable().describe("Of the weights, where one was asked for."),
  weights: sha256.describe("Of the weights' files."),
  adapter: z
    .strictObject({
      place: z.string().min(1).describe("Its folder or file."),
      scale: z.number().describe("Weight on top of its own alpha/rank."),
      weights: sha256.describe("Of its file."),
    })
    .nullable(),
  prompts: z.array(z.string()).min(1),
  negative: z.string().describe("What guidance leads away from."),
  n: z.int().min(1).describe("Pictures a prompt."),
  first: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .describe("Which noise the first picture has: the others count on."),
  eta: z.number().min(0),
  rule: z.enum(ruleNames as [string, ...string[]]),
  steps: z.int().min(1),
  guidance: z.number().min(0),
  shift: z.number().positive().optional().describe("Time shift of the grid. Left out: the model's own."),
  seed: z.int().min(0),
  height: z.int().min(1).describe("Pixels of a picture."),
  width: z.int().min(1),
  engine: z.enum(engineNames).describe("Others may differ in the last bits."),
});
export type PictureConfig = z.infer<typeof PictureConfig>;
