import "@etalon/testkit";
import { engine, resizeNearest, type Tensor, tf } from "@etalon/engine";
import { goldenJson, goldenPath } from "@etalon/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { close, goldenCases, take } from "../../test/golden.ts";
import { loadModel } from "../loadModel.ts";
import { AutoencoderKL } from "./AutoencoderKL.ts";
import { tiledDecode } from "./tiledDecode.ts";

beforeAll(async () => {
  await engine();
});

// diffusers' own outputs: packages/testkit/golden/README.md. The second is FLUX's, with more channels and without the convolutions around the latent.
describe.each(["vae_sd15", "vae_flux"])("%s beside diffusers", (name) => {
  test("encodes and decodes", async () => {
    const cases = goldenCases(`${name}/cases.safetensors`);
    const model = await loadModel(goldenPath(name), { className: "AutoencoderKL" });
    const { mean, std } = model.encode({ image: cases.tensor("image") });
    expect(take(mean)).toBeAllclose(cases.values("mean"), close);
    expect(take(std)).toBeAllclose(cases.values("std"), close);
    expect(take(model.decode({ latent: cases.tensor("latent") }).image)).toBeAllclose(cases.values("decoded"), close);
    model.dispose();
  });
});

describe("decoding in parts", () => {
  test("a slice at a time gives the same picture; what is between is freed", async () => {
    const model = await loadModel(goldenPath("vae_sd15"), { className: "AutoencoderKL" });
    const latent = tf.tidy(() => tf.linspace(-1, 1, 3 * 64).sin().reshape([3, 4, 4, 4])); // biome-ignore format: one thought
    const before = tf.memory().numTensors;
    const whole = take(model.decode({ latent }).image);
    expect(take(model.decode({ latent }, { slice: 2 }).image)).toBeAllclose(whole, close);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  test("tiles that cover all are the whole; smaller ones give its size", async () => {
    const model = await loadModel(goldenPath("vae_sd15"), { className: "AutoencoderKL" });
    const latent = tf.tidy(() => tf.linspace(0, 3, 12 * 20 * 4).sin().reshape([1, 12, 20, 4])); // biome-ignore format: one thought
    const whole = model.decode({ latent }).image;
    expect(take(model.decode({ latent }, { tiles: { size: 20, overlap: 0.25 } }).image)).toEqual(whole.dataSync());
    const tiled = model.decode({ latent }, { tiles: true }).image;
    expect(tiled.shape).toEqual(whole.shape);
    const both = tf.tidy(() => model.decode({ latent: tf.concat([latent, latent.neg()]) }, { tiles: true, slice: 1 }).image.slice(0, 1)); // biome-ignore format: one thought
    const alone = take(tiled);
    expect(alone.every(Number.isFinite) && alone.some((value) => value !== 0)).toBe(true);
    expect(take(both)).toBeAllclose(alone, close);
    expect(() => model.decode({ latent }, { tiles: { size: 4, overlap: 1 } })).toThrow("tiles.overlap is 1");
    model.dispose();
  });

  test.each([[4, 0.25], [4, 0.5], [5, 0.4], [7, 0], [3, 0.9]])("squares of %d that overlap by %d join to the whole where each pixel knows its neighbours", (size, overlap) => {
    const latent = tf.tidy(() => tf.linspace(0, 3, 2 * 9 * 13 * 2).sin().reshape([2, 9, 13, 2]));
    const double = (x: Tensor) => resizeNearest(x, 2 * (x.shape[1] as number), 2 * (x.shape[2] as number));
    const joined = tf.tidy(() => tiledDecode(latent, double, 2, { size, overlap }));
    expect(joined.shape).toEqual([2, 18, 26, 2]);
    expect(take(joined)).toBeAllclose(take(double(latent)), { atol: 1e-6 });
  }); // biome-ignore format: one thought
});

test("a gradient flows through decoding, to latent and weights", async () => {
  const model = await loadModel(goldenPath("vae_sd15"), { className: "AutoencoderKL" });
  const cases = goldenCases("vae_sd15/cases.safetensors");
  const latent = cases.tensor("latent");
  const loss = (x: typeof latent) => model.decode({ latent: x }).image.square().sum();
  const gradient = tf.grad(loss)(latent);
  const along = tf.tidy(() => latent.mul(5).cos());
  const h = 1e-3;
  const slope = (take(loss(latent.add(along.mul(h))))[0] - take(loss(latent.sub(along.mul(h))))[0]) / (2 * h);
  const exact = take(gradient.mul(along).sum())[0];
  expect(Math.abs(slope - exact)).toBeLessThan(1e-2 * Math.max(1, Math.abs(exact)));
  model.dispose();
});

test("refuses options and shapes by name", () => {
  const config = goldenJson<Record<string, unknown>>("vae_sd15/config.json");
  expect(() => new AutoencoderKL({ ...config, latents_mean: [1] })).toThrow("latents_mean of AutoencoderKL is [1]; allowed: left out, null.");
  expect(() => new AutoencoderKL({ ...config, norm_num_groups: null })).toThrow("norm_num_groups of AutoencoderKL is null; allowed: a whole number ≥ 1.");
  expect(() => new AutoencoderKL({ ...config, scaling_factor: null })).toThrow("scaling_factor of AutoencoderKL is null; allowed: a finite number > 0.");
  expect(new AutoencoderKL({ ...config, shift_factor: null }).details.shiftFactor).toBe(0);
  expect(() => new AutoencoderKL({ ...config, up_block_types: ["UpDecoderBlock2D"] })).toThrow("up_block_types is 1; allowed: 4 blocks, as block_out_channels has.");
  const model = new AutoencoderKL(config);
  expect(() => model.encode({ image: tf.zeros([1, 30, 32, 3]) })).toThrow("image is [1,30,32,3]; allowed: [batch, height and width multiples of 8, 3].");
  expect(() => model.decode({ latent: tf.zeros([1, 4, 4, 3]) })).toThrow("latent is [1,4,4,3]; allowed: [batch, height, width, 4].");
}); // biome-ignore format: one line each
