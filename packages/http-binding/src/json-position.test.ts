import { describe, expect, it } from "vitest";
import { jsonErrorPosition } from "./json-position.js";

describe("jsonErrorPosition", () => {
  it.each([
    ["", 1, 1],
    ["  ", 1, 3],
    ["{", 1, 2],
    ['{"a": 1,}', 1, 9],
    ['{"a": x}', 1, 7],
    ['{"a" 1}', 1, 6],
    ['{"a": 1 "b": 2}', 1, 9],
    ["{'a': 1}", 1, 2],
    ['{\n  "a": [1, 2\n}', 3, 1],
    ["[1,]", 1, 4],
    ["[1 2]", 1, 4],
    ["[}", 1, 2],
    ["{]", 1, 2],
    ["1 2", 1, 3],
    ["01", 1, 2],
    ["[1]]", 1, 4],
    ['["unfinished]', 1, 2],
    ['["bad \\x escape"]', 1, 2],
    ['["control \u0001"]', 1, 2],
    ["nul", 1, 1],
    ["[NaN]", 1, 2],
    [",", 1, 1],
    [":", 1, 1],
    ["{}}", 1, 3],
  ])("finds what is wrong in %j at %i:%i", (text, line, column) => {
    expect(() => void JSON.parse(text)).toThrow();
    expect(jsonErrorPosition(text)).toEqual({ line, column });
  });

  it("follows everything that is JSON to its end", () => {
    const value = { a: [1, -2.5e-3, true, false, null, '\u2028 \\ " / \b é', {}, []], "": { b: [[{}]] } };
    for (const indent of [0, 2]) {
      const text = JSON.stringify(value, undefined, indent);
      const lines = text.split("\n");
      expect(jsonErrorPosition(`${text}#`)).toEqual({
        line: lines.length,
        column: (lines.at(-1)?.length ?? 0) + 1,
      });
    }
  });

  it("takes a long string and deep nesting in its stride", () => {
    expect(jsonErrorPosition(`["${"x\\n".repeat(300_000)}"`)).toEqual({ line: 1, column: 900_004 });
    expect(jsonErrorPosition("[".repeat(500_000))).toEqual({ line: 1, column: 500_001 });
  });
});
