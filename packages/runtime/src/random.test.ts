import { describe, expect, test } from "vitest";
import { seededRandom, systemRandom, type Random } from "./random.js";

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const draws = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.next());

describe("a seeded source", () => {
  test("repeats itself from the same seed, numbers and names alike", () => {
    const one = seededRandom(42);
    const two = seededRandom(42);
    expect(draws(one, 100)).toEqual(draws(two, 100));
    expect(one.uuid()).toBe(two.uuid());
    expect(draws(one, 10)).toEqual(draws(two, 10));
  });

  test("gives what it always gave, so that a seed found last year still replays", () => {
    expect(draws(seededRandom(1), 3)).toEqual([0.3678755429573357, 0.08161311969161034, 0.8205357783008367]);
    expect(seededRandom(1).uuid()).toBe("5e2d1772-14e4-48f0-920e-a1fdb382f339");
  });

  test("differs between neighbouring seeds from the first number on", () => {
    const firsts = new Set(Array.from({ length: 1000 }, (_, seed) => seededRandom(seed).next()));
    expect(firsts.size).toBe(1000);
  });

  test("counts only the low 32 bits of its seed", () => {
    expect(seededRandom(5).next()).toBe(seededRandom(5 + 2 ** 32).next());
    expect(seededRandom(-1).next()).toBe(seededRandom(2 ** 32 - 1).next());
  });

  test.each([0, 1, -1, 0x7fffffff, 123_456_789])("is uniform in [0, 1) from seed %d", (seed) => {
    const count = 100_000;
    const tenths = Array.from({ length: 10 }, () => 0);
    const all = draws(seededRandom(seed), count);
    expect(all.filter((draw) => !(draw >= 0 && draw < 1))).toEqual([]);
    for (const draw of all) tenths[Math.floor(draw * 10)] = (tenths[Math.floor(draw * 10)] ?? 0) + 1;
    // Five standard deviations of a binomial with p = 0.1; the seeds are fixed, so this either always holds or never.
    const deviation = 5 * Math.sqrt(count * 0.1 * 0.9);
    for (const hits of tenths) expect(Math.abs(hits - count / 10)).toBeLessThan(deviation);
  });
});

test.each([
  ["seeded", seededRandom(3)],
  ["system", systemRandom],
])("the %s source makes version 4 UUIDs that do not repeat", (_name, random) => {
  const uuids = Array.from({ length: 1000 }, () => random.uuid());
  expect(uuids.filter((uuid) => !UUID_V4.test(uuid))).toEqual([]);
  expect(new Set(uuids).size).toBe(1000);
});

test("the source of this process stays within [0, 1)", () => {
  for (const draw of draws(systemRandom, 1000)) expect(draw >= 0 && draw < 1).toBe(true);
});
