import { describe, expect, test } from "vitest";
import { forms } from "../test/support/forms.ts";
import { thrown } from "../test/support/thrown.ts";
import { philox4x32 } from "./index.ts";

/** DEShawResearch/random123, tests/kat_vectors, philox4x32 10: counter, key, answer. */
const known = [
  ["00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
  ["ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"],
  ["243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"],
];
const words = (text: string) => Uint32Array.from(text.split(" "), (word) => Number.parseInt(word, 16));

describe.each(forms)("%s", (_, form) => {
  test.each(known)("known answer of counter %s, key %s", (counter, key, answer) => {
    const out = new Uint32Array(4);
    form.philox4x32(words(counter), words(key), out);
    expect(out).toEqual(words(answer));
  });
});

test("gives a new array and leaves its arguments alone", () => {
  const counter = words(known[2][0]);
  expect(philox4x32(counter, words(known[2][1]))).toEqual(words(known[2][2]));
  expect(counter).toEqual(words(known[2][0]));
});

test("refuses other kinds and lengths", () => {
  expect(thrown(() => philox4x32(new Uint32Array(3), new Uint32Array(2))).message).toBe(
    "counter is Uint32Array of length 3; allowed: 4 items.",
  );
  expect(thrown(() => philox4x32(new Uint32Array(4), [0, 0] as unknown as Uint32Array)).message).toBe(
    "key is [0,0]; allowed: a Uint32Array of 2 words.",
  );
});
