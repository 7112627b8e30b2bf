import { describe, expect, test } from "vitest";
import { parseJson } from "../../src/base/json.js";
import { ModelFormatError } from "../../src/errors.js";
import { MAX_JSON_VALUES, MAX_NESTING } from "../../src/limits.js";
import { generator } from "../random.js";

describe("JSON that strangers wrote", () => {
  const sound = [
    '{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}',
    '"a string: {[,"',
    '{"quote\\"":"\\\\","\\\\":"\\""}',
    '{"a" : "a", "b"\n:"a"}',
    "[]",
    "3",
    '["a","a"]',
    `${"[".repeat(MAX_NESTING)}${"]".repeat(MAX_NESTING)}`,
  ];
  test.each(sound)("%s is what JSON.parse says", (text) => {
    expect(parseJson(text, "x")).toEqual(JSON.parse(text));
    expect(parseJson(new TextEncoder().encode(text), "x")).toEqual(JSON.parse(text));
  });

  const refused: [string, string | Uint8Array, RegExp][] = [
    ["a name twice", '{"a":1,"b":2,"a":3}', /^x has "a" twice\.$/],
    ["a name twice, once escaped", '{"a":1,"\\u0061":3}', /twice/],
    ["a name twice, deep inside", '[[{"b":{"a":[1,2],"a":3}}]]', /twice/],
    ["nesting", "[".repeat(MAX_NESTING + 1), /nested more than 64 deep/],
    ["a million lists", `[${"[],".repeat(1e6)}[]]`, new RegExp(`more than ${MAX_JSON_VALUES} values`)],
    ["20 MB of spaces", " ".repeat(20e6), /20000000 bytes/],
    ["a string without an end", '{"a', /not JSON/],
    ["a quote that is escaped at the end", '"\\"', /not JSON/],
    ["bytes that are no UTF-8", Uint8Array.of(0x22, 0xff, 0x22), /not JSON/],
    ["nothing", "", /not JSON/],
  ];
  test.each(refused)("%s is refused", (_, text, message) => {
    expect(() => parseJson(text, "x")).toThrow(ModelFormatError);
    expect(() => parseJson(text, "x")).toThrow(message);
  });

  test("any text is what JSON.parse makes of it, or a typed error", () => {
    const random = generator(7);
    const letters = ['"', "\\", "{", "}", "[", "]", ",", ":", " ", "a", "1", "\\u0061"];
    for (let round = 0; round < 20_000; round++) {
      let text = "";
      for (let left = random() * 14; left > 0; left--) text += letters[Math.floor(random() * letters.length)];
      try {
        expect(parseJson(text, "x")).toEqual(JSON.parse(text));
      } catch (error) {
        if (!(error instanceof ModelFormatError)) throw new Error(text, { cause: error });
      }
    }
  });

  test("time grows with the text", () => {
    const start = performance.now();
    for (const part of ['\\"', "\\\\", '"a" ,', '"b"         ', '{"a":'] as const) {
      const text = `["${part.repeat(2e6)}`;
      expect(() => parseJson(text, "x"), part).toThrow(ModelFormatError);
    }
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});
