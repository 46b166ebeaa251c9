import { seededRandom } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import { EntryIndex, type Place } from "./entry-index.js";

function contents(
  index: EntryIndex,
  after = Number.NEGATIVE_INFINITY,
): readonly (readonly [number, Place])[] {
  const found: (readonly [number, Place])[] = [];
  index.visit(after, (version, place) => {
    found.push([version, place]);
    return true;
  });
  return found;
}

describe("EntryIndex", () => {
  it.each([1, 2, 3, 4, 5])("answers like an ordered map, seed %s", (seed) => {
    const random = seededRandom(seed);
    const upTo = (max: number): number => Math.floor(random.next() * max);
    const index = new EntryIndex();
    const model = new Map<number, Place>();
    let newest = 0;
    for (let step = 0; step < 4_000; step++) {
      const what = random.next();
      // Mostly at the end, as mailboxes do; now and then an old one comes back.
      const version = what < 0.45 ? (newest += 1 + upTo(3)) : 1 + upTo(newest + 1);
      if (what < 0.5) {
        const place = { segment: upTo(9), offset: upTo(1_000_000), length: 1 + upTo(1_000) };
        expect(index.set(version, place)).toEqual(model.get(version));
        model.set(version, place);
        newest = Math.max(newest, version);
      } else {
        expect(index.has(version)).toBe(model.has(version));
        expect(index.get(version)).toEqual(model.get(version));
        expect(index.delete(version)).toEqual(model.get(version));
        model.delete(version);
      }
      expect(index.size).toBe(model.size);
      if (step % 50 !== 0) continue;
      const ordered = [...model].toSorted(([a], [b]) => a - b);
      expect(contents(index)).toEqual(ordered);
      const after = upTo(newest + 1);
      expect(contents(index, after)).toEqual(ordered.filter(([each]) => each > after));
      const unpacked = EntryIndex.unpack(index.pack());
      expect(unpacked === undefined ? undefined : contents(unpacked)).toEqual(ordered);
    }
  });

  it("holds versions beyond 32 bits", () => {
    const index = new EntryIndex();
    const place = { segment: 1, offset: 16, length: 5 };
    index.set(Number.MAX_SAFE_INTEGER, place);
    expect(index.get(Number.MAX_SAFE_INTEGER)).toEqual(place);
    expect(contents(EntryIndex.unpack(index.pack()) ?? new EntryIndex())).toEqual([
      [Number.MAX_SAFE_INTEGER, place],
    ]);
  });

  it("notices every damaged byte of what was packed", () => {
    const index = new EntryIndex();
    for (let version = 1; version <= 5; version++)
      index.set(version, { segment: 1, offset: version, length: 9 });
    const packed = index.pack();
    for (let at = 0; at < packed.length; at++) {
      const damaged = Buffer.from(packed);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      expect(EntryIndex.unpack(damaged), `byte ${at}`).toBeUndefined();
    }
  });
});
