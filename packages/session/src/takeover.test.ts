import { expect, it } from "vitest";
import { decideTakeover } from "./takeover.js";

it.each([
  [undefined, 1, "claim"],
  [1, 2, "takeOver"],
  [2, 1, "superseded"],
  [2, 2, "superseded"],
  [9, 10, "takeOver"],
] as const)("epoch %s is held, %d claims: %s", (holder, claimant, decision) => {
  expect(decideTakeover(holder, claimant)).toBe(decision);
});
