import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine } from "@etalon/engine";
import { writeTinyStableDiffusion } from "@etalon/models";
import { expect, test } from "vitest";
import { parseTrainConfig } from "./config/parseTrainConfig.ts";
import { loadParts } from "./loadParts.ts";

test("train.checkpointing reaches the model's blocks, and the memory that is predicted", async () => {
  await engine();
  const root = mkdtempSync(join(tmpdir(), "etalon-"));
  try {
    writeTinyStableDiffusion(join(root, "sd"));
    const bytes: number[] = [];
    for (const checkpointing of [true, false]) {
      const parts = await loadParts(parseTrainConfig({ model: join(root, "sd"), train: { checkpointing } }));
      expect(parts.pipeline.model.checkpointing).toBe(checkpointing);
      parts.pipeline.model.addAdapter();
      parts.pipeline.model.parameters("lora");
      bytes.push(parts.pipeline.updateBytes?.({ batch: 4, guidance: 1 }) as number);
      parts.dispose();
    }
    expect(bytes[1]).toBeGreaterThan(bytes[0]);
    const tiny = await loadParts(parseTrainConfig({ train: { checkpointing: false } }));
    expect(tiny.pipeline.model.checkpointing).toBeUndefined();
    tiny.dispose();
  } finally {
    rmSync(root, { recursive: true });
  }
});
