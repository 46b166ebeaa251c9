import { expect, it } from "vitest";
import type { RecordedEvent } from "../event-log/recorded-event.js";
import { OpenEvents, type OpenEvent } from "./open-events.js";

let position = 0;

function recorded(agent: string, resourceid: string, bytes = 100): RecordedEvent {
  position += 1;
  const event = {
    specversion: "1.0" as const,
    id: `${position}`,
    source: "s",
    type: "t",
    resourceid,
    eventid: "1",
  };
  return { position, agent, recordedAt: 0, bytes, event };
}

function opened(
  ...keys: readonly (readonly [agent: string, resourceid: string, bytes?: number])[]
): OpenEvents {
  position = 0;
  const open = new OpenEvents();
  for (const key of keys) open.add(recorded(...key), { kind: "log" });
  return open;
}

const positions = (events: readonly OpenEvent[]): readonly number[] =>
  events.map((event) => event.recorded.position);

it("gives of each resource of an agent one after the other, and of others at once", () => {
  const open = opened(["a", "x"], ["a", "x"], ["b", "x"], ["a", "y"]);
  const taken = [1, 2, 3].map(() => {
    const batch = open.next(0, 1);
    for (const event of batch) event.isUnderWay = true;
    return positions(batch);
  });
  expect(taken).toEqual([[1], [3], [4]]);
  expect(open.next(0, 1)).toEqual([]);
  const { first } = open;
  if (first !== undefined) open.settle(first);
  expect(positions(open.next(0, 1))).toEqual([2]);
});

it("puts events of one resource into one batch in order, and none behind one that waits", () => {
  const open = opened(["a", "x"], ["a", "x"], ["a", "y"], ["a", "y"]);
  expect(positions(open.next(0, 10))).toEqual([1, 2, 3, 4]);
  expect(positions(open.next(0, 3))).toEqual([1, 2, 3]);
  const { first } = open;
  if (first !== undefined) first.notBefore = 50;
  expect(positions(open.next(0, 10))).toEqual([3, 4]);
  expect(open.nextTryAt()).toBe(50);
  expect(positions(open.next(50, 10))).toEqual([1, 2, 3, 4]);
});

it("gives one alone that goes alone, before what comes behind it", () => {
  const open = opened(["a", "x"], ["a", "x"], ["b", "x"]);
  for (const event of open.next(0, 2)) event.goesAlone = true;
  expect(positions(open.next(0, 10))).toEqual([1]);
  const { first } = open;
  if (first !== undefined) first.isUnderWay = true;
  expect(positions(open.next(0, 10))).toEqual([3]);
});

it("ends a batch at its bytes, with one event at least", () => {
  const open = opened(["a", "x", 2_000_000], ["b", "x", 10], ["c", "x", 10]);
  expect(positions(open.next(0, 10))).toEqual([1]);
  const { first } = open;
  if (first !== undefined) open.settle(first);
  expect(positions(open.next(0, 10))).toEqual([2, 3]);
  expect(open).toMatchObject({ size: 2, bytes: 20, firstOfLog: 2 });
});
