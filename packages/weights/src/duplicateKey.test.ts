import { expect, test } from "vitest";
import { duplicateKey } from "./duplicateKey.ts";

test.each([
  ['{"a":1,"a":2}', "a"],
  ['{"a":{"b":1, "b" :2}}', "b"],
  ['{"a":1,"\\u0061":2}', "a"],
  ['{"q\\"":1,"x":[{"q\\"":1}],"q\\"":2}', 'q"'],
  ['{"a":{"b":1},"c":{"b":1}}', undefined],
  ['{"a":"b","c":"b","d":["b","b"]}', undefined],
  ['{"a":"\\"a\\": {","b":"}{"}', undefined],
  ['{"":{},":{":{}}', undefined],
  ["[]", undefined],
])("%s", (text, key) => expect(duplicateKey(text)).toBe(key));

test("is linear in a hostile text", () => {
  const text = `{"a":"${'\\"'.repeat(1_000_000)}","a":0}`;
  expect(duplicateKey(text)).toBe("a");
});
