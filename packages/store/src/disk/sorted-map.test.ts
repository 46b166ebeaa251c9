import { seededRandom } from "@hawser/runtime";
import { expect, it } from "vitest";
import { SortedMap } from "./sorted-map.js";

const byKey = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : 1);

it("agrees with a plain map that is sorted for every question, through splits and empty leaves", () => {
  const random = seededRandom(7);
  const map = new SortedMap();
  const plain = new Map<string, string>();
  const key = () => String(Math.floor(random.next() * 3_000)).padStart(4, "0");
  const check = () => {
    const [from, before] = [key(), key()].toSorted();
    const expected = [...plain].filter(([k]) => k >= (from ?? "") && k < (before ?? "")).toSorted(byKey);
    expect([...map.range(from ?? "", before ?? "")]).toEqual(expected);
  };
  for (let step = 0; step < 12_000; step++) {
    const k = key();
    // First it grows, then it shrinks to nothing.
    if (random.next() < (step < 6_000 ? 0.9 : 0.1)) {
      map.set(k, String(step));
      plain.set(k, String(step));
    } else {
      map.delete(k);
      plain.delete(k);
    }
    expect(map.get(k)).toBe(plain.get(k));
    if (step % 400 === 0) check();
  }
  for (const k of plain.keys()) map.delete(k);
  expect([...map.range("", "\uffff")]).toEqual([]);
  map.set("a", "1");
  expect([...map.range("", "\uffff")]).toEqual([["a", "1"]]);
});
