import { describe, expect, it } from "vitest";
import { Door } from "./support/reconnect/door.js";
import { PRINCIPAL_ENDS } from "./support/reconnect/principal-ends.js";
import { PRINCIPAL_REFUSALS } from "./support/reconnect/principal-refusals.js";
import { ROWS, WIRES } from "./support/reconnect/reconnect-case.js";

const CASES = [...PRINCIPAL_ENDS, ...PRINCIPAL_REFUSALS];

describe.each(WIRES)("a principal over %s", (wire) => {
  it.each(CASES)("$row: $name", async ({ play }) => play(new Door(wire)));
});

it("has a case for every row", () => {
  expect(new Set(CASES.map(({ row }) => row))).toEqual(new Set(Object.keys(ROWS)));
});
