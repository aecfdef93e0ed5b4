import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TensorLike } from "../../lib/tfjs/index.ts";
import { draws } from "../support/draws.ts";
import { expectSameBits } from "../support/expectSameBits.ts";
import { attempt, has, library, root } from "../support/library.ts";
import { tf, tfjsNode } from "../support/tensorflow.ts";
import { thrown } from "../support/thrown.ts";

// The GPU's kernels of the ops, where there is no GPU: src/tf/gpu.cpp and src/cuda under the launch emulation, in a real TensorFlow, as its CPU device's kernels.
const addon = join(root, "build", "Release", "etalon.node");
const compiler = ["g++", "clang++"].find(has);
const missing = [
  tfjsNode === undefined && "ETALON_TFJS_NODE names no tfjs-node",
  (!existsSync(addon) || process.env.ETALON_BINARY === "portable") && "no addon",
  compiler === undefined && "no compiler",
].filter(Boolean);

describe.skipIf(missing.length > 0)(
  `GPU kernels of the ops${missing.length > 0 ? `, skipped: ${missing.join(", ")}` : ""}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "etalon-tf-gpu-"));
    afterAll(() => rmSync(folder, { recursive: true }));
    let face: typeof import("../../lib/tfjs/index.ts");
    let arrays: typeof import("../../lib/index.ts");

    beforeAll(async () => {
      const require = createRequire(import.meta.url);
      const include = [join(root, "include"), join(root, "src"), dirname(require.resolve("node-addon-api/package.json")), require("node-api-headers").include_dir]; // biome-ignore format: one thought
      const sources = [
        "src/tf/addon.cpp",
        "src/tf/ops.cpp",
        "src/tf/gpu.cpp",
        "src/tf/tensorflow.cpp",
        "test/cuda/launchers.cpp",
      ];
      const flags = "-std=c++20 -O0 -shared -fPIC -ffp-contract=off -Wall -Wextra -Werror";
      const defined = "-DNAPI_VERSION=8 -DNODE_ADDON_API_DISABLE_DEPRECATED -DETALON_HAS_CUDA=1";
      const lib = join(library, "lib");
      const { status, stderr } = await attempt(compiler!, [
        ...`${flags} ${defined}`.split(" "),
        ...["-include", join(root, "test", "tf", "emulated_runtime.h")],
        ...include.flatMap((path) => ["-isystem", path]),
        ...sources.map((source) => join(root, source)),
        ...["-o", join(folder, "etalon_tf.node"), "-ldl", `-L${lib}`, "-letalon", `-Wl,-rpath,${lib}`],
      ]);
      expect(stderr).toBe("");
      expect(status).toBe(0);
      copyFileSync(addon, join(folder, "etalon.node"));
      process.env.ETALON_BINARY = join(folder, "etalon.node"); // its neighbour is the emulated one
      face = await import("../../lib/tfjs/index.ts");
      arrays = await import("../../lib/index.ts");
      await tf.setBackend("tensorflow");
    }, 600_000);

    const [batch, dim] = [3, 1500];
    const shape = [batch, 30, 50];
    const floats = (tensor: TensorLike) => tensor.dataSync() as Float32Array;
    const map = { a: 0.9, b: -0.3, std: 0.4 };
    const key = { seed: 2n ** 63n + 5n, step: 7, samples: Uint32Array.of(3, 4_294_967_295, 0) };

    test.each([
      { guided: false, referred: false, each: false },
      { guided: false, referred: true, each: true },
      { guided: true, referred: false, each: true },
      { guided: true, referred: true, each: false },
    ])("give the bits of the CPU's: %o", ({ guided, referred, each }) => {
      const maps = each ? [map, { ...map, b: 0.2 }, { ...map, std: 0.7 }] : map;
      const data = Array.from({ length: 5 }, (_, salt) => draws(batch * dim, salt));
      const tensors = data.map((values) => tf.tensor(values, shape));
      const given = <T>([x, cond, uncond]: T[]) => ({ x, cond, uncond: guided ? uncond : undefined, guidance: guided ? 3 : 1, map: maps }); // biome-ignore format: one thought
      const kl = <T>([, , , cond, uncond]: T[]) => (referred ? { weight: 0.2, cond, uncond: guided ? uncond : undefined } : undefined); // biome-ignore format: one thought
      expect(face.way().name).toBe("ops");

      const want = arrays.rollout({ ...given(data), key, dim });
      const { next, logp } = face.rollout({ ...given(tensors), key });
      expectSameBits(floats(next), want.next);
      expectSameBits(logp, want.logp);
      expectSameBits(face.logProb({ ...given(tensors), next }), want.logp);
      const goal = {
        oldLogp: want.logp.map((p, i) => p + i),
        advantage: [1, -2, 0.5],
        clip: 0.1,
        reduction: "mean",
      } as const;
      const wanted = arrays.policyGradient({ ...given(data), ...goal, next: want.next, dim, kl: kl(data) });
      const got = face.policyGradient({ ...given(tensors), ...goal, next, kl: kl(tensors) });
      for (const name of ["loss", "ratio", "clipped", "kl"] as const) expectSameBits(got[name], wanted[name]);
      expectSameBits(floats(got.gradCond), wanted.gradCond);
      if (guided) expectSameBits(floats(got.gradUncond!), wanted.gradUncond!);
    });

    test("say what is not finite, which the device does not check", () => {
      const [x, bad] = [tf.zeros([3, 4]), tf.tensor([0, 0, 0, 0, 0, 0, Number.NaN, 0, 0, 0, 0, 0], [3, 4])];
      const options = {
        next: x,
        x,
        cond: bad,
        map,
        key,
        oldLogp: [0, 0, 0],
        advantage: [1, 1, 1],
        clip: 1,
        reduction: "mean" as const,
      };
      for (const run of [face.rollout, face.logProb, face.policyGradient]) {
        expect(thrown(() => run(options)).message).toBe("cond[6] is NaN; allowed: finite numbers.");
      }
    });
  },
);
