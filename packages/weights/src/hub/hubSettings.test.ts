import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hubSettings } from "./hubSettings.ts";

test("places by Hugging Face's variables, the narrower before the wider", () => {
  const at = (env: NodeJS.ProcessEnv) => hubSettings({ HF_TOKEN: "x", ...env }).cacheDir;
  expect(at({})).toBe(join(homedir(), ".cache/huggingface/hub"));
  expect(at({ XDG_CACHE_HOME: "/x" })).toBe("/x/huggingface/hub");
  expect(at({ XDG_CACHE_HOME: "/x", HF_HOME: "~/hf" })).toBe(join(homedir(), "hf/hub"));
  expect(at({ HF_HOME: "/h", HUGGINGFACE_HUB_CACHE: "/old" })).toBe("/old");
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell variable, as a user writes it
  expect(at({ HUGGINGFACE_HUB_CACHE: "/old", HF_HUB_CACHE: "$ROOT/c/${ROOT}", ROOT: "/r" })).toBe("/r/c//r");
});

test("the token: HF_TOKEN, its older name, the file; and where it came from", () => {
  const home = mkdtempSync(join(tmpdir(), "etalon-"));
  const of = (env: NodeJS.ProcessEnv) => {
    const { token, tokenSource } = hubSettings({ HF_HOME: home, ...env });
    return [token, tokenSource];
  };
  try {
    expect(of({})).toEqual([undefined, undefined]);
    writeFileSync(join(home, "token"), " hf_file\n");
    expect(of({})).toEqual(["hf_file", join(home, "token")]);
    expect(of({ HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" })).toEqual([undefined, undefined]);
    expect(of({ HF_TOKEN: " ", HUGGING_FACE_HUB_TOKEN: "hf_older" })).toEqual(["hf_older", "HUGGING_FACE_HUB_TOKEN"]);
    expect(of({ HF_TOKEN: "hf_new\n", HUGGING_FACE_HUB_TOKEN: "hf_older" })).toEqual(["hf_new", "HF_TOKEN"]);
  } finally {
    rmSync(home, { recursive: true });
  }
});

test("switches", () => {
  const { endpoint, offline, symlinks, timeout } = hubSettings({ HF_ENDPOINT: "https://mirror.example/", HF_HUB_OFFLINE: "Yes", HF_HUB_DISABLE_SYMLINKS: "0", HF_HUB_DOWNLOAD_TIMEOUT: "7" }); // biome-ignore format: one thought
  expect([endpoint, offline, symlinks, timeout]).toEqual(["https://mirror.example", true, true, 7000]);
  expect(hubSettings({}).endpoint).toBe("https://huggingface.co");
});
