import { Command } from "commander";
import { expect, it } from "vitest";
import { readTree } from "./command-tree.js";
import { readWords } from "./read-words.js";

const program = new Command("hawser").option("--context <context>").option("--token <token>");
program.addCommand(new Command("get").argument("<reference>").option("--kind <kind>").option("-q"));
program.addCommand(new Command("wait").argument("[reference...]").option("-f, --file <path...>"));
const letters = new Command("dead-letters");
letters.addCommand(new Command("requeue").argument("<agent>").argument("[eventid...]").option("--all"));
program.addCommand(letters);
const tree = readTree(program);

it.each([
  ["", undefined],
  ["get ", "reference"],
  ["get get", "reference"],
  ["get a ", undefined],
  ["get a --kind ", "kind"],
  ["get a --kind=x ", undefined],
  ["get -", undefined],
  ["get -q ", "reference"],
  ["get -- -", "reference"],
  ["--context ", "context"],
  ["--token get ", undefined],
  ["--token get get ", "reference"],
  ["wait a b ", "reference"],
  ["wait -f x y ", undefined],
  ["wait -f x --context c ", "reference"],
  ["dead-letters requeue ", "agent"],
  ["dead-letters requeue a ", "eventid"],
  ["dead-letters requeue --all a 1 ", "eventid"],
])("behind 'hawser %s' stands: %s", (line, expected) => {
  expect(readWords(tree, line.split(" ")).asks).toBe(expected);
});

it("knows what was given in front of the cursor", () => {
  const { given, current, options } = readWords(tree, [
    "--context=c",
    "dead-letters",
    "requeue",
    "a",
    "--token",
    "t",
    "1",
    "2",
  ]);
  expect({ given, current, options: Object.fromEntries(options) }).toEqual({
    given: ["a", "1"],
    current: "2",
    options: { "--context": "c", "--token": "t" },
  });
});
