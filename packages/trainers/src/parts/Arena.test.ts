import { expect, test } from "vitest";
import { Arena } from "./Arena.ts";

test("an array is handed out again after it was given back, once, and all are after a reset", () => {
  const arena = new Arena();
  const [a, b, other] = [arena.take(3), arena.take(3), arena.take(4)];
  expect(b).not.toBe(a);
  arena.give(a);
  arena.give(a);
  expect(arena.take(3)).toBe(a);
  expect(arena.take(3)).not.toBe(a);
  arena.reset();
  expect(arena.take(4)).toBe(other);
  const again = [arena.take(3), arena.take(3), arena.take(3), arena.take(3)];
  expect(new Set(again).size).toBe(4);
  expect(again).toContain(b);
});

test("what was not taken here is left alone", () => {
  const arena = new Arena();
  const stranger = new Float32Array(3);
  arena.take(3);
  arena.give(stranger);
  expect(arena.take(3)).not.toBe(stranger);
});
