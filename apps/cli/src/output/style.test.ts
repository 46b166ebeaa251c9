import { expect, it } from "vitest";
import { createStyle, cutLine, PLAIN } from "./style.js";

const ESC = "\u001b";
const { good, bold, render } = createStyle("0a-1");

it.each([
  [`a ${good("green")} b`, 9, `a ${good("green")} b`],
  [`a ${good("green")} b`, 8, `a ${good("green")} `],
  [`a ${good("green")} b`, 4, `a ${good("gr")}`],
  [`${bold("NAME")}  ${bold("STATE")}`, 4, `${bold("NAME")}${bold("x").replace("x", "")}`],
  ["plain", 0, ""],
])("cuts %j to %i characters, and leaves no colour on", (line, columns, expected) => {
  expect(cutLine(line, columns)).toBe(expected);
});

it("renders its own marks, and those of nobody else", () => {
  const imitated = createStyle("0a-2").bad("red");
  expect(render(`${bold("a")} \u001b[31mred\u001b[0m ${imitated}`)).toBe(
    String.raw`${ESC}[1ma${ESC}[22m \x1b[31mred\x1b[0m \ufdd00a-2:31\ufdd1red\ufdd00a-2:39\ufdd1`,
  );
});

it("shows text from elsewhere as text where nothing is set off", () => {
  expect(PLAIN.render("a\u009b2J\u202e")).toBe(String.raw`a\x9b2J\u202e`);
});
