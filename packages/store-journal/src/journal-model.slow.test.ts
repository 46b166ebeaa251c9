import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom, type Random } from "@hawser/runtime";
import { createMemoryDisk, type Changes, type OpenDisk } from "@hawser/store";
import { describe, expect, it, onTestFinished } from "vitest";
import { createJournalDisk } from "./journal-disk.js";

/** A commit or two fill a segment. */
const SEGMENT_BYTES = 2_048;
const STEPS = 400;
const PEERS = ["a", "b", "\ud800", "a\u0000b"];

function upTo(random: Random, max: number): number {
  return Math.floor(random.next() * max);
}

function pick<T>(random: Random, from: readonly [T, ...T[]] | readonly T[]): T {
  const picked = from[upTo(random, from.length)];
  if (picked === undefined) throw new Error("nothing to pick from");
  return picked;
}

const key = (random: Random): string =>
  random.next() < 0.2
    ? `m${upTo(random, 12)}`
    : `${pick(random, ["r", "x"])}${upTo(random, 4)}\u0000${upTo(random, 30)}`;

function text(random: Random): string {
  return pick(random, ["é", "x", "\u{1f600}", "\\"]).repeat(1 + upTo(random, 150));
}

class Mailboxes {
  readonly #random: Random;
  readonly #pending = new Map<string, number[]>(PEERS.map((peer) => [peer, []]));
  #newest = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  changes(): Changes {
    const random = this.#random;
    const rows = new Map<string, string | undefined>();
    const entries = new Map<string, Map<number, string | undefined>>();
    for (let count = upTo(random, 5); count > 0; count--)
      rows.set(key(random), random.next() < 0.3 ? undefined : text(random));
    for (let count = upTo(random, 6); count > 0; count--) this.#change(entries);
    return { rows, entries };
  }

  #change(entries: Map<string, Map<number, string | undefined>>): void {
    const random = this.#random;
    const peer = pick(random, PEERS);
    const pending = this.#pending.get(peer) ?? [];
    const changed = entries.get(peer) ?? new Map<number, string | undefined>();
    entries.set(peer, changed);
    const what = random.next();
    if (what < 0.5 || pending.length === 0) {
      this.#newest += 1;
      pending.push(this.#newest);
      changed.set(this.#newest, text(random));
    } else if (what < 0.9) {
      // Some stay for long, so that segments have to be moved ahead.
      const at = random.next() < 0.9 ? pending.length - 1 : upTo(random, pending.length);
      for (const version of pending.splice(at, 1)) changed.set(version, undefined);
    } else changed.set(pick(random, pending), text(random));
  }
}

async function expectSame(journal: OpenDisk, model: OpenDisk, random: Random): Promise<void> {
  const keys = Array.from({ length: 8 }, () => key(random));
  expect(await journal.get(keys)).toEqual(await model.get(keys));
  // The disk in memory has its entries among the rows, under e.
  const from = pick(random, ["f", "m", "r1\u0000", `x2\u0000${upTo(random, 30)}`, "r"]);
  const before = pick(random, [`${from}\u0001`, "s", "\uffff", "x3\u0001"]);
  const range = { from, before, limit: 1 + upTo(random, 40), keysOnly: random.next() < 0.3 };
  expect(await journal.range(range)).toEqual(await model.range(range));
  const short = { from, before, limit: 50, maxLength: 1 + upTo(random, 400) };
  expect(await journal.range(short)).toEqual(await model.range(short));
  const peer = pick(random, PEERS);
  const after = upTo(random, 200);
  const page = { peer, after, limit: 1 + upTo(random, 20) };
  expect(await journal.rangeEntries(page)).toEqual(await model.rangeEntries(page));
  const byLength = { peer, after, limit: 1_000, maxLength: 1 + upTo(random, 500) };
  expect(await journal.rangeEntries(byLength)).toEqual(await model.rangeEntries(byLength));
  const names = Array.from({ length: 6 }, () => ({ peer: pick(random, PEERS), version: upTo(random, 300) }));
  expect(await journal.getEntries(names)).toEqual(await model.getEntries(names));
  expect(await journal.hasEntries(names)).toEqual(await model.hasEntries(names));
}

describe("a journal of small segments", () => {
  it.each([1, 2, 3, 4, 5, 6])("holds what a disk in memory holds, seed %s", async (seed) => {
    const random = seededRandom(seed);
    const directory = await mkdtemp(join(tmpdir(), "hawser-journal-"));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const disk = createJournalDisk(directory, SEGMENT_BYTES);
    const model = await createMemoryDisk().attach().open();
    const mailboxes = new Mailboxes(random);
    let journal = await disk.open();
    for (let step = 0; step < STEPS; step++) {
      const changes = mailboxes.changes();
      const sync = random.next() < 0.7;
      await Promise.all([journal.write(changes, sync), model.write(changes, sync)]);
      await expectSame(journal, model, random);
      if (random.next() > 0.03) continue;
      await journal.close();
      journal = await disk.open();
    }
    await journal.close();
  });
});
