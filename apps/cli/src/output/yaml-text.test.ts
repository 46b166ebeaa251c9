import { expect, it } from "vitest";
import { parse } from "yaml";
import { jsonText } from "./json-text.js";
import { yamlText } from "./yaml-text.js";

const HOSTILE = "\u001b[2J \u009b1m \u202edrow \u007f \ufdd0";
const LONG = `${"word ".repeat(40)}${HOSTILE}`;
const VALUES: readonly unknown[] = [
  HOSTILE,
  { [HOSTILE]: HOSTILE, list: [HOSTILE, { deep: `line\n${HOSTILE}\nline\n` }] },
  { long: LONG, [LONG]: 1 },
  { plain: "text", lines: "a\nb\n", number: 1, nothing: null, tab: "a\tb", cr: "a\r\nb" },
];

it.each(VALUES)("JSON and YAML keep the value and nothing a terminal obeys: %j", (value) => {
  for (const json of [jsonText(value), jsonText(value, 2)]) {
    expect(json).toMatch(/^[\n\x20-\x7e]*$/);
    expect(JSON.parse(json)).toEqual(value);
  }
  const yaml = yamlText(value);
  expect(yaml).toMatch(/^[\n\t\x20-\x7e]*$/);
  expect(parse(yaml)).toEqual(value);
});

it("is the usual YAML for usual values", () => {
  expect(yamlText({ b: "text\nlines\n", a: ["x"] }, { sortMapEntries: true })).toBe(
    "a:\n  - x\nb: |\n  text\n  lines",
  );
});
