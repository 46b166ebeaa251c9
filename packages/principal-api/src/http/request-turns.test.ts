import { SteppedLoop } from "@hawser/testkit";
import { expect, test } from "vitest";
import { RequestTurns } from "./request-turns.js";

function stage() {
  const loop = new SteppedLoop();
  const turns = new RequestTurns(loop, { known: 3, unknown: 2 });
  const begun: string[] = [];
  const ask = (name: string, client: string, isKnown: boolean): void =>
    turns.add(() => void begun.push(name), client, isKnown);
  return { loop, begun, ask };
}

test("whoever may ask waits for nobody else, and strangers have their share of each turn", () => {
  const { loop, begun, ask } = stage();
  for (let n = 0; n < 100; n += 1) ask(`stranger-${n}`, "192.0.2.1", false);
  expect(begun).toEqual(["stranger-0", "stranger-1"]);
  ask("a", "192.0.2.1", true);
  expect(begun.at(-1)).toBe("a");
  loop.endTurn();
  for (const name of ["b", "c", "d", "e"]) ask(name, "192.0.2.1", true);
  expect(begun.slice(3)).toEqual(["stranger-2", "stranger-3", "b", "c", "d"]);
  loop.endTurn();
  expect(begun.slice(8)).toEqual(["e", "stranger-4", "stranger-5"]);
});

test("the clients of whom nothing is known take turns", () => {
  const { loop, begun, ask } = stage();
  for (let n = 0; n < 100; n += 1) ask(`flood-${n}`, "192.0.2.1", false);
  ask("probe", "192.0.2.2", false);
  loop.endTurn();
  expect(begun.slice(2)).toContain("probe");
});

test("everybody is begun in the end, and then nothing is left to do", () => {
  const { loop, begun, ask } = stage();
  for (let n = 0; n < 7; n += 1) ask(`${n}`, "192.0.2.1", n % 2 === 0);
  while (loop.endTurn()) expect(begun.length).toBeLessThanOrEqual(7);
  expect([...begun].sort()).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
});
