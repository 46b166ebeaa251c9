import { describe, expect, it } from "vitest";
import { tableOf } from "./support/protocol-tables.js";
import { CLEAN_ENDS, DRAINS } from "./support/reconnect/clean-ends.js";
import { FAILURES, SUPERSEDED } from "./support/reconnect/failures.js";
import { FAILED_DIALS, OWN_ENDS } from "./support/reconnect/own-ends.js";
import { ROWS, WIRES, type ReconnectCase } from "./support/reconnect/reconnect-case.js";
import { REFUSALS, SLOTS, TIMES_FOR_EVERYBODY } from "./support/reconnect/refusals.js";
import { Stage } from "./support/reconnect/stage.js";

const CASES: readonly ReconnectCase[] = [
  ...CLEAN_ENDS,
  ...DRAINS,
  ...SLOTS,
  ...TIMES_FOR_EVERYBODY,
  ...REFUSALS,
  ...SUPERSEDED,
  ...FAILURES,
  ...OWN_ENDS,
  ...FAILED_DIALS,
];

const played = WIRES.flatMap((wire) =>
  CASES.filter(({ on }) => on === undefined || on === wire).map((one) => ({
    wire,
    one,
    row: one.row,
    name: one.name,
  })),
);

it.each(played)("$wire, $row: $name", async ({ wire, one }) => {
  const stage = await Stage.set(wire);
  const { said, state, waitedMs, line } = await stage.play(one);
  const { delayMs, code, level, says } = one.next;
  expect({ said, code: line["code"], level: line["level"] }).toEqual({ said: one.wire[wire], code, level });
  for (const part of [says].flat()) expect(line.msg).toContain(part);
  expect(state.delayMs).toBeCloseTo(delayMs, 6);
  expect(waitedMs).toBeCloseTo(delayMs, 6);
});

describe("the table of PROTOCOL.md", () => {
  it("is the one that is played", () => {
    expect(tableOf("Reconnecting")).toEqual(Object.values(ROWS));
  });

  it.each(WIRES)("has a case for every row over %s", (wire) => {
    const rows = new Set(played.filter((one) => one.wire === wire).map(({ row }) => row));
    expect([...rows].sort()).toEqual(Object.keys(ROWS).sort());
  });

  it.each(WIRES)("has a case for every close code over %s", (wire) => {
    const said = played.filter((one) => one.wire === wire).flatMap(({ one }) => one.wire[wire]);
    const unsaid = tableOf("Close codes").filter(
      ([code = ""]) => !said.some((line) => line.includes(`${code} "`)),
    );
    expect(unsaid).toEqual([]);
  });
});
