import { expect, test } from "vitest";
import { escapedJson, printable, printableJson, printableLine } from "./printable.js";

const ESC = "\u001b";
/** Written out once more, by their numbers: what no terminal may get. */
const FORBIDDEN: readonly number[] = [
  ...range(0x00, 0x08),
  ...range(0x0b, 0x1f),
  ...range(0x7f, 0x9f),
  0x061c,
  0x200e,
  0x200f,
  ...range(0x202a, 0x202e),
  ...range(0x2066, 0x2069),
];
const ALL = String.fromCodePoint(...FORBIDDEN);

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function forbiddenIn(text: string): string[] {
  return Array.from(text).filter((character) => FORBIDDEN.includes(character.codePointAt(0) ?? 0));
}

test.each([
  [`${ESC}[2J`, String.raw`\x1b[2J`],
  ["a\u009b2Jb", String.raw`a\x9b2Jb`],
  ["abc\u202etxt.exe", String.raw`abc\u202etxt.exe`],
  ["bell\u0007 delete\u007f return\r", String.raw`bell\x07 delete\x7f return\x0d`],
  ["mark\ufdd0 and \u{1fffe}", String.raw`mark\ufdd0 and \u{1fffe}`],
  ["Grüße, 日本語, مرحبا, 👩‍🚀\n\tnext", "Grüße, 日本語, مرحبا, 👩‍🚀\n\tnext"],
])("%j is shown as %s, and stays so", (text, shown) => {
  expect(printable(text)).toBe(shown);
  expect(printable(shown)).toBe(shown);
});

test("every one of them is shown, and none is left", () => {
  expect(forbiddenIn(printable(ALL))).toEqual([]);
  expect(printable(ALL).match(/\\[xu]/g)).toHaveLength(FORBIDDEN.length);
});

test("a line is one line", () => {
  expect(printableLine(`a\nb\t${ESC}c`)).toBe(String.raw`a b \x1bc`);
});

test.each([undefined, 2])("JSON means the same with escapes (indent %s)", (indent) => {
  const value = { [ALL]: [ALL, "a\nb\u{1fffe}"], plain: "日本語" };
  const json = escapedJson(JSON.stringify(value, undefined, indent));
  expect(forbiddenIn(json)).toEqual([]);
  expect(JSON.parse(json)).toEqual(value);
});

test("JSON for people stays JSON, and its strings are printable once it is parsed", () => {
  const text = `${ALL} back\\slash \\u001b \\\\${ESC} "quoted" a\nb\tc`;
  const parsed: unknown = JSON.parse(printableJson(JSON.stringify({ [ALL]: text })));
  expect(parsed).toEqual({ [printable(ALL)]: printable(text) });
});
