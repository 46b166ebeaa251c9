import { expect, it } from "vitest";
import { createStyle, cutLine, oneLine } from "./style.js";

const { good, bold } = createStyle();

it.each([
  [`a ${good("green")} b`, 9, `a ${good("green")} b`],
  [`a ${good("green")} b`, 8, `a ${good("green")} `],
  [`a ${good("green")} b`, 4, `a ${good("gr")}`],
  [`${bold("NAME")}  ${bold("STATE")}`, 4, `${bold("NAME")}\u001b[1m\u001b[22m`],
  ["plain", 0, ""],
])("cuts %j to %i characters, and leaves no colour on", (line, columns, expected) => {
  expect(cutLine(line, columns)).toBe(expected);
});

it("lets no text from elsewhere move the cursor", () => {
  expect(oneLine("a\nb\u001b[2Jc")).toBe("a b\uFFFD[2Jc");
});
