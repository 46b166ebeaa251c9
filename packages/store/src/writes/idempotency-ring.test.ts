import { expect, it } from "vitest";
import { acknowledgeAll, command, hold } from "../compliance/harness.js";
import { changedRows } from "../disk/disk.js";
import { idempotencyKey, idempotencyOrderKey } from "../layout/keys.js";
import { createMemoryDisk, type MemoryDisk } from "../disk/memory-disk.js";
import { createMemoryStore } from "../memory-store.js";
import type { Store } from "../contract/store.js";

const limits = { maxIdempotencyKeys: 8, maxEntries: 50 };
const append = (key: number | string) => ({
  peer: "a",
  event: command("x_1"),
  idempotencyKey: String(key),
});

async function started(disk: MemoryDisk): Promise<Store> {
  const store = createMemoryStore({ disk, limits });
  await store.start();
  return store;
}

/** Rows of keys on the disk, and of their order. */
async function rows(disk: MemoryDisk): Promise<readonly [keys: number, order: number]> {
  const open = await disk.snapshot().attach().open();
  const [key, order] = [idempotencyKey("a", ""), idempotencyOrderKey("a", 0).slice(0, -16)];
  const count = async (from: string): Promise<number> =>
    (await open.range({ from, before: `${from}\ue000`, limit: 100_000 })).length;
  const counted = [await count(key), await count(order)] as const;
  await open.close();
  return counted;
}

it("keeps as many rows as keys count and events are pending, and a few that wait to be removed", async () => {
  const disk = createMemoryDisk();
  const store = await started(disk);
  for (let key = 0; key < 40; key += 1) await store.append([append(key)]);
  await store.stop();
  expect(await rows(disk)).toEqual([40, 40]);
  await store.start();
  // Pending all the while: they stay, and so does one row for each.
  for (let key = 100; key < 1_000; key += 1) {
    await store.append([append(key)]);
    await acknowledgeNewest(store);
  }
  await store.stop();
  const [keys, order] = await rows(disk);
  expect(keys).toBeGreaterThanOrEqual(48);
  expect(keys).toBeLessThanOrEqual(48 + 8);
  expect(order).toBe(keys);
  await store.start();
  const answers = await store.append(Array.from({ length: 40 }, (_, key) => append(key)));
  expect(answers.every((answer) => answer.ok && answer.duplicate)).toBe(true);
  await acknowledgeAll(store, "a");
  for (let key = 1_000; key < 1_100; key += 1) {
    await store.append([append(key)]);
    await acknowledgeNewest(store);
  }
  await store.stop();
  expect((await rows(disk))[0]).toBeLessThanOrEqual(8 + 8);
});

it("accepts a forgotten key anew, whose old row takes nothing along when it is removed", async () => {
  const disk = createMemoryDisk();
  const store = await started(disk);
  const versions: number[] = [];
  // Nine keys in a ring of eight: each is forgotten just before it comes again.
  for (let step = 0; step < 900; step += 1) {
    const [answer] = await store.append([append(step % 9)]);
    expect(answer).toMatchObject({ ok: true, duplicate: false });
    if (answer?.ok === true) versions.push(answer.version);
    await acknowledgeNewest(store);
  }
  const answers = await store.append(Array.from({ length: 8 }, (_, key) => append(key + 1)));
  expect(answers.map((answer) => answer.ok && answer.version)).toEqual(versions.slice(-8));
  await store.stop();
  const [keys, order] = await rows(disk);
  expect([keys, order <= 24]).toEqual([9, true]);
});

it("goes on from rows that know neither their number nor their time", async () => {
  const disk = createMemoryDisk();
  const store = await started(disk);
  for (let key = 0; key < 8; key += 1) await store.append([append(key)]);
  await acknowledgeAll(store, "a");
  await store.stop();
  const open = await disk.attach().open();
  const old = new Map(
    Array.from({ length: 8 }, (_, key) => [idempotencyKey("a", String(key)), String(key + 1)]),
  );
  await open.write(changedRows(old), true);
  await open.close();
  await store.start();
  expect((await store.append([append(0)]))[0]).toEqual({ ok: true, version: 1, duplicate: true });
  for (let key = 100; key < 140; key += 1) {
    await store.append([append(key)]);
    await acknowledgeNewest(store);
  }
  expect((await store.append([append(0)]))[0]).toMatchObject({ duplicate: false });
  await store.stop();
  expect((await rows(disk))[0]).toBeLessThanOrEqual(8 + 8 + 1);
});

async function acknowledgeNewest(store: Store): Promise<void> {
  const { lease } = await hold(store, "a");
  const entries = await lease.read(0, 100);
  lease.acknowledge(entries.at(-1)?.version ?? 0);
  await lease.close();
}
