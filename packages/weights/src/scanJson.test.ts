import { expect, test } from "vitest";
import { scanJson } from "./scanJson.ts";

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
])("%s: the key that comes twice is %s", (text, key) => expect(scanJson(text).twice).toBe(key));

test.each([
  ['{"a":[0,10,900719925474099]}', undefined],
  ['{"a":"1.5","-1":"1e3"}', undefined],
  ["[1.0]", "1.0"],
  ["[1, 1e3]", "1e3"],
  ["[-0]", "-0"],
  ["-1", "-1"],
])("%s: the number that is no plain one is %s", (text, number) => expect(scanJson(text).number).toBe(number));

test("is linear in a hostile text", () => {
  const text = `{"a":"${'\\"'.repeat(1_000_000)}","a":${"9".repeat(1_000_000)}}`;
  expect(scanJson(text)).toEqual({ twice: "a" });
});
