import { describe, expect, it } from "vitest";
import { TestPrincipal } from "./support/reconnect/test-principal.js";
import { PRINCIPAL_CASES } from "./support/reconnect/principal-cases.js";
import { ROWS, WIRES } from "./support/reconnect/reconnect-case.js";

describe.each(WIRES)("a principal over %s", (wire) => {
  it.each(PRINCIPAL_CASES.filter(({ on }) => on === undefined || on === wire))(
    "$row: $name",
    async ({ run }) => run(new TestPrincipal(wire)),
  );
});

it.each(WIRES)("has a case for every row over %s", (wire) => {
  const rows = PRINCIPAL_CASES.filter(({ on }) => on === undefined || on === wire).map(({ row }) => row);
  expect(new Set(rows)).toEqual(new Set(Object.keys(ROWS)));
});
