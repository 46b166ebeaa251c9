import { expect, test } from "vitest";
import { LinkedList } from "./linked-list.js";

test("values come out in the order they went in", () => {
  const list = new LinkedList<number>();
  for (const value of [1, 2, 3]) list.append(value);
  expect([list.first, list.last, list.size]).toEqual([1, 3, 3]);
  expect([list.shift(), list.shift(), list.shift(), list.shift()]).toEqual([1, 2, 3, undefined]);
  expect([list.first, list.last, list.size]).toEqual([undefined, undefined, 0]);
});

test.each([
  { remove: 0, left: ["b", "c"] },
  { remove: 1, left: ["a", "c"] },
  { remove: 2, left: ["a", "b"] },
])("removing place $remove joins its neighbours", ({ remove, left }) => {
  const list = new LinkedList<string>();
  const places = ["a", "b", "c"].map((value) => list.append(value));
  const place = places[remove];
  if (place !== undefined) list.remove(place);
  list.append("d");
  expect([...list]).toEqual([...left, "d"]);
  expect(list.size).toBe(3);
});

test("removing twice is a mistake that is noticed", () => {
  const list = new LinkedList<string>();
  const place = list.append("a");
  list.remove(place);
  expect(() => list.remove(place)).toThrow("not in");
});
