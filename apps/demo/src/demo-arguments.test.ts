import { expect, it } from "vitest";
import { demoArguments } from "./demo-arguments.js";

it.each([
  [[], { kind: "run", once: false }],
  [["--once"], { kind: "run", once: true }],
  [["--help"], { kind: "help" }],
  [["-h", "--once"], { kind: "help" }],
])("%j", (args, expected) => {
  expect(demoArguments(args)).toEqual(expected);
});

it.each([[["--onec"]], [["once"]], [["--once=yes"]]])("refuses %j and names it", (args) => {
  expect(demoArguments(args)).toMatchObject({
    kind: "wrong",
    message: expect.stringMatching(/--onec|--once|"?once/),
  });
});
