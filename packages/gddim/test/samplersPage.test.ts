import { expect, test } from "vitest";
import { samplersPage } from "./samplersPage.ts";

test("docs/samplers.md is current", async () => {
  await expect(samplersPage()).toMatchFileSnapshot("../../../docs/samplers.md");
});
