import { expect, it } from "vitest";
import { Acknowledgements, MAX_GATHERED } from "./acknowledgements.js";

it("forgets what comes beyond the bound, and has room again for what was recorded or is pointless", () => {
  let told = 0;
  const acknowledgements = new Acknowledgements(() => {
    told += 1;
  });
  for (let version = 1; version < MAX_GATHERED; version++) acknowledgements.add("a", version);
  acknowledgements.add("b", 1);
  acknowledgements.add("b", 1);
  acknowledgements.add("b", 2);
  expect(told).toBe(MAX_GATHERED);
  expect([acknowledgements.has("b", 1), acknowledgements.has("b", 2)]).toEqual([true, false]);

  acknowledgements.done("a", [1, 2, MAX_GATHERED + 7]);
  for (const version of [2, 3, 4]) acknowledgements.add("b", version);
  expect([2, 3, 4].map((version) => acknowledgements.has("b", version))).toEqual([true, true, false]);
  acknowledgements.forget("a");
  acknowledgements.add("b", 4);
  expect(acknowledgements.has("b", 4)).toBe(true);
});
