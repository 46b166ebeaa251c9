import { expect, it } from "vitest";
import { checkJournal, type JournalLine } from "./journal.js";

const start: JournalLine = { what: "start", pid: 1 };
const run = (eventid: string, attempt = 1, resourceid = "a_1"): JournalLine => ({
  what: "run",
  resourceid,
  eventid,
  attempt,
  kind: "command",
});
const acked = (eventid: string): JournalLine => ({ what: "acked", resourceid: "a_1", eventid });

it("lets pass what the rules of delivery allow", () => {
  const lines = [start, run("1"), acked("1"), run("3"), start, run("3", 2), acked("3"), run("2", 1, "b_1")];
  expect(checkJournal(lines)).toMatchObject({ violations: [], repeats: 1 });
});

it("takes the ACK of a repeat for one: the agent was killed between record and ACK", () => {
  const skipped: JournalLine = { what: "skipped", resourceid: "a_1", eventid: "1", why: "duplicate" };
  const { acked: found, redelivered, violations } = checkJournal([start, run("1"), start, skipped]);
  expect({ found, redelivered, violations }).toEqual({
    found: new Set(["a_1@1"]),
    redelivered: ["a_1@1"],
    violations: [],
  });
});

it.each([
  ["a run after the ACK", [start, run("1"), acked("1"), start, run("1", 2)], "a_1@1 ran again after its ACK"],
  ["a repeat within one life", [start, run("1"), run("1", 2)], "a_1@1 ran twice in one life of the agent"],
  [
    "a repeat that was told to be the first",
    [start, run("1"), start, run("1", 1)],
    "a_1@1 ran again, told it was attempt 1",
  ],
  ["a step back", [start, run("2"), start, run("1")], "a_1@1 ran after version 2 of its resource"],
])("finds %s", (_name, lines, violation) => {
  expect(checkJournal(lines).violations).toEqual([violation]);
});
