import type { EventClass } from "@hawser/protocol";
import { expect, test } from "vitest";
import { CoalescingQueue } from "./coalescing-queue.js";

const item = (eventClass: EventClass, version: number) => ({ eventClass, version });

function queueOf(...classes: EventClass[]) {
  const queue = new CoalescingQueue<{ eventClass: EventClass; version: number }>();
  classes.forEach((eventClass, index) => queue.push(item(eventClass, index + 1)));
  return queue;
}
const versions = (items: Iterable<{ version: number }>) => [...items].map(({ version }) => version);

test("a newer spec drops the older one and goes to the end", () => {
  const queue = queueOf("spec", "command", "status");
  expect(versions(queue.push(item("spec", 4)))).toEqual([1]);
  expect(versions(queue)).toEqual([2, 3, 4]);
});

test("a delete drops every state and no command", () => {
  const queue = queueOf("spec", "command", "status", "command");
  expect(versions(queue.push(item("delete", 5)))).toEqual([1, 3]);
  expect(versions(queue)).toEqual([2, 4, 5]);
});

test("a spec after a delete leaves the delete alone", () => {
  expect(versions(queueOf("delete", "spec"))).toEqual([1, 2]);
});

test("commands all stay, in order", () => {
  expect(versions(queueOf("command", "command", "command"))).toEqual([1, 2, 3]);
});

test("what was shifted out is not superseded any more", () => {
  const queue = queueOf("spec");
  expect(queue.shift()?.version).toBe(1);
  expect(queue.push(item("spec", 2))).toEqual([]);
  expect(versions(queue.push(item("spec", 3)))).toEqual([2]);
});

test("what is taken out leaves the others in order, and a state among them can still be superseded", () => {
  const queue = queueOf("command", "spec", "status", "command", "command");
  expect(versions(queue.take(({ version }) => version % 2 === 1))).toEqual([1, 3, 5]);
  expect(versions(queue)).toEqual([2, 4]);
  expect(versions(queue.push(item("spec", 6)))).toEqual([2]);
});

test("a state that was taken out is not superseded any more", () => {
  const queue = queueOf("spec", "command");
  expect(versions(queue.take(({ version }) => version === 1))).toEqual([1]);
  expect(queue.push(item("delete", 3))).toEqual([]);
});

test("a spec behind a delete stays when something before it is taken out", () => {
  const queue = queueOf("command", "delete", "spec");
  expect(versions(queue.take(({ version }) => version === 1))).toEqual([1]);
  expect(versions(queue)).toEqual([2, 3]);
});
