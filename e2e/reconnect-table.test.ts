import { describe, expect, it } from "vitest";
import { tableOf } from "./support/protocol-tables.js";
import { AGENT_CASES } from "./support/reconnect/agent-cases.js";
import { ROWS, WIRES } from "./support/reconnect/reconnect-case.js";
import { TestAgent } from "./support/reconnect/test-agent.js";

const played = WIRES.flatMap((wire) =>
  AGENT_CASES.filter(({ on }) => on === undefined || on === wire).map((one) => ({
    wire,
    one,
    row: one.row,
    name: one.name,
  })),
);

it.each(played)("$wire, $row: $name", async ({ wire, one }) => {
  const subject = await TestAgent.start(wire, one.parts?.());
  const { said, state, waitedMs, line } = await subject.run(one);
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
});
