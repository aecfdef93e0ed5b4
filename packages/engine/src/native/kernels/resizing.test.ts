import "@etalon/testkit";
import type { Tensor, Tensor4D } from "@tensorflow/tfjs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { started } from "../../../test/startEngine.ts";
import { tf } from "../../index.ts";

type Kind = "corners" | "centres" | "plain";
type Resize = (x: Tensor, rows: number, columns: number, kind: Kind) => Tensor;

const resizes: Record<"resizeBilinear" | "resizeNearestNeighbor", Resize> = {
  resizeBilinear: (x, rows, columns, kind) =>
    tf.image.resizeBilinear(x as Tensor4D, [rows, columns], kind === "corners", kind === "centres"),
  resizeNearestNeighbor: (x, rows, columns, kind) =>
    tf.image.resizeNearestNeighbor(x as Tensor4D, [rows, columns], kind === "corners", kind === "centres"),
};

const extent = fc.integer({ min: 1, max: 9 });
const sizes = fc.record({ batch: fc.integer({ min: 1, max: 2 }), rows: extent, columns: extent, toRows: extent, toColumns: extent, channels: fc.integer({ min: 1, max: 5 }), kind: fc.constantFrom<Kind>("plain", "corners", "centres") }); // biome-ignore format: a line
const values = (size: number, seed: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(5.7 * i + seed));

/** What f gives on a backend. */
function on(backend: string, f: () => Tensor): Float32Array {
  const before = tf.getBackend();
  tf.setBackend(backend);
  try {
    const y = tf.tidy(f);
    const data = Float32Array.from(y.dataSync());
    y.dispose();
    return data;
  } finally {
    tf.setBackend(before);
  }
}

describe.skipIf(started.name !== "native").each(["resizeBilinear", "resizeNearestNeighbor"] as const)("%s", (name) => {
  const resize = resizes[name];

  test("gives the bits of tfjs's JavaScript kernel", () => {
    fc.assert(
      fc.property(sizes, ({ batch, rows, columns, toRows, toColumns, channels, kind }) => {
        const shape = [batch, rows, columns, channels];
        const data = values(tf.util.sizeFromShape(shape), 1);
        const y = () => resize(tf.tensor(data, shape), toRows, toColumns, kind);
        expect(on("etalon", y)).toEqual(on("cpu", y));
      }),
      { numRuns: 200 },
    );
  });

  test("its gradient is the transpose: Σ y·dy = Σ x·dx to rounding, of every pixel by itself", () => {
    fc.assert(
      fc.property(sizes, ({ rows, columns, toRows, toColumns, kind }) => {
        const dy = values(toRows * toColumns, 2);
        const f = (x: Tensor) => resize(x, toRows, toColumns, kind);
        const x = tf.zeros([1, rows, columns, 1]);
        const dx = on("etalon", () => tf.grad(f)(x, tf.tensor(dy, [1, toRows, toColumns, 1])));
        const expected = Float64Array.from({ length: rows * columns }, (_, pixel) => {
          const one = Float32Array.from({ length: rows * columns }, (_, i) => (i === pixel ? 1 : 0));
          return on("etalon", () => f(tf.tensor(one, [1, rows, columns, 1]))).reduce((sum, y, i) => sum + y * dy[i], 0);
        });
        expect(dx).toBeAllclose(expected, { atol: 2e-6, rtol: 1e-6 });
      }),
      { numRuns: 60 },
    );
  });

  test("its gradient is that of tfjs's JavaScript kernel where that is right: one square picture, no halfPixelCenters", () => {
    fc.assert(
      fc.property(sizes, ({ rows, toRows, channels, kind }) => {
        // tfjs's gradients leave halfPixelCenters out; the bilinear one turns the shape of others round; the nearest one reads other pictures' pixels in a batch, and never
        // ends where one row has its corners aligned.
        fc.pre(kind === "plain" || (kind === "corners" && rows > 1));
        const [shape, outShape] = [
          [1, rows, rows, channels],
          [1, toRows, toRows, channels],
        ];
        const dy = values(tf.util.sizeFromShape(outShape), 2);
        const dx = () => tf.grad((x) => resize(x, toRows, toRows, kind))(tf.zeros(shape), tf.tensor(dy, outShape));
        expect(on("etalon", dx)).toBeAllclose(on("cpu", dx), { atol: 2e-6, rtol: 1e-6 });
      }),
      { numRuns: 60 },
    );
  });

  test("NaN stays with the pixels that see it; pictures of rank 3, of int32 and of nothing are as tfjs has them", () => {
    const x = () => tf.tensor4d([1, Number.NaN, 3, 4], [1, 2, 2, 1]);
    expect(on("etalon", () => resize(x(), 4, 4, "corners"))).toEqual(on("cpu", () => resize(x(), 4, 4, "corners")));
    const whole = () => resize(tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1], "int32"), 3, 5, "centres").toFloat();
    expect(on("etalon", whole)).toEqual(on("cpu", whole));
    const flat = () => resize(tf.tensor3d([1, 2, 3, 4], [2, 2, 1]), 3, 3, "plain");
    expect(on("etalon", flat)).toEqual(on("cpu", flat));
    expect(on("etalon", () => resize(tf.zeros([0, 2, 2, 1]), 3, 3, "plain"))).toHaveLength(0);
  });
});
