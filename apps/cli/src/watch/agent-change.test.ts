import { expect, it } from "vitest";
import { parseAgentChange } from "./agent-change.js";

const AGENT = { name: "a", state: "connected", reason: "session open", pending: 0, deadLetters: 0, new: 1 };

it.each([
  ["agent", AGENT, { change: "agent", agent: AGENT }],
  ["gone", { name: "a" }, { change: "gone", name: "a" }],
  ["synced", {}, { change: "synced" }],
  ["reset", { message: "forget all" }, { change: "reset" }],
  ["agent", { name: "a" }, undefined],
  ["agent", undefined, undefined],
  ["gone", [], undefined],
  ["later", { name: "a" }, undefined],
])("%s %j", (event, data, expected) => {
  expect(parseAgentChange({ id: undefined, event, data: JSON.stringify(data) ?? "{" })).toEqual(expected);
});
