import { seededRandom } from "@hawser/runtime";
import { expect, it } from "vitest";
import { decodeComponent, encodeComponent, encodeVersion, SEPARATOR } from "./key-text.js";

const UNITS = [0, 1, 2, 0x2f, 0x61, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xe001, 0xfffe, 0xffff];

it("keeps the order of code units, in UTF-16 and in UTF-8, and comes back the same", () => {
  const random = seededRandom(3);
  const text = () =>
    Array.from({ length: Math.floor(random.next() * 4) }, () =>
      String.fromCharCode(UNITS[Math.floor(random.next() * UNITS.length)] ?? 0),
    ).join("");
  for (let i = 0; i < 5_000; i++) {
    const [a, b] = [text(), text()];
    expect(decodeComponent(encodeComponent(a))).toBe(a);
    expect(encodeComponent(a)).not.toContain(SEPARATOR);
    expect(Buffer.from(encodeComponent(a)).toString()).toBe(encodeComponent(a));
    const [x, y] = [encodeComponent(a) + SEPARATOR, encodeComponent(b) + SEPARATOR];
    const expected = a < b ? -1 : a > b ? 1 : 0;
    expect(x < y ? -1 : x > y ? 1 : 0, JSON.stringify([a, b])).toBe(expected);
    expect(Math.sign(Buffer.compare(Buffer.from(x), Buffer.from(y))), JSON.stringify([a, b])).toBe(expected);
  }
});

it("orders versions as numbers, up to the largest", () => {
  const versions = [1, 9, 10, 99, 100, 65_536, 2 ** 40, Number.MAX_SAFE_INTEGER];
  expect(versions.map(encodeVersion).toSorted()).toEqual(versions.map(encodeVersion));
});
