import { expect, it, onTestFinished } from "vitest";
import { accept, command, hold } from "../compliance/harness.js";
import { createDiskStore } from "../disk-store.js";
import type { Disk } from "../disk/disk.js";
import { createMemoryDisk, type MemoryDisk } from "../disk/memory-disk.js";
import { seededRandom } from "@hawser/runtime";
import type { Store } from "../contract/store.js";

const COUNT = 2_000;
const names = Array.from({ length: COUNT }, (_, n) => `n${n}`);

interface Asked {
  ranges: number;
  writes: number;
  syncedWrites: number;
}

function counted(memory: MemoryDisk): { readonly disk: Disk; readonly asked: Asked } {
  const disk = memory.attach();
  const asked = { ranges: 0, writes: 0, syncedWrites: 0 };
  const open: Disk["open"] = async () => {
    const inner = await disk.open();
    return {
      ...inner,
      get: (keys) => inner.get(keys),
      range: (range) => {
        asked.ranges += 1;
        return inner.range(range);
      },
      write: (changes, sync) => {
        asked.writes += 1;
        if (sync) asked.syncedWrites += 1;
        return inner.write(changes, sync);
      },
      getEntries: (wanted) => inner.getEntries(wanted),
      hasEntries: (wanted) => inner.hasEntries(wanted),
      rangeEntries: (range) => inner.rangeEntries(range),
      close: () => inner.close(),
    };
  };
  return { disk: { open, explain: (thrown) => disk.explain(thrown) }, asked };
}

async function startedOver(memory: MemoryDisk): Promise<{ readonly store: Store; readonly asked: Asked }> {
  const { disk, asked } = counted(memory);
  const store = createDiskStore(disk, { lazyFlushMs: 1 });
  await store.start();
  onTestFinished(() => store.stop());
  return { store, asked };
}

const left = async (store: Store): Promise<number> => (await store.peers({ limit: 1_000 })).length;

it("a fleet that was only seen holds nobody up after a crash: some go with each commit, unread and unsynced", async () => {
  const memory = createMemoryDisk();
  const first = await startedOver(memory);
  await Promise.all(names.map((name) => hold(first.store, name)));
  memory.crash(seededRandom(1));
  const { store, asked } = await startedOver(memory);
  Object.assign(asked, { ranges: 0, writes: 0, syncedWrites: 0 });
  await accept(store, "other", command("x_1"));
  expect(asked).toEqual({ ranges: 0, writes: 1, syncedWrites: 1 });
  const back = await hold(store, "n1999");
  await expect.poll(() => left(store)).toBe(2);
  expect(asked.syncedWrites).toBe(2);
  expect(asked.writes).toBeLessThan(COUNT / 100);
  await accept(store, "n1999", command("x_1"));
  await expect.poll(() => back.events.length).toBe(1);
});

it("a fleet that leaves at once costs no write each", async () => {
  const { store, asked } = await startedOver(createMemoryDisk());
  const holders = await Promise.all(names.map((name) => hold(store, name)));
  Object.assign(asked, { ranges: 0, writes: 0, syncedWrites: 0 });
  await Promise.all(holders.map(({ lease }) => lease.close()));
  await expect.poll(() => left(store)).toBe(0);
  expect(asked.syncedWrites).toBe(0);
  expect(asked.writes).toBeLessThan(COUNT / 100);
});

it("a mailbox stays while events of its peer are being applied, so that their record counts", async () => {
  const { store } = await startedOver(createMemoryDisk());
  const holder = await hold(store, "a");
  const first = holder.lease.use();
  const second = holder.lease.use();
  await holder.lease.close();
  first.release();
  first.release();
  await hold(store, "b").then(({ lease }) => lease.close());
  // The other one went meanwhile.
  await expect.poll(() => store.stats("b")).toBeUndefined();
  expect(await store.stats("a")).toBeDefined();
  await holder.lease.record([{ resourceid: "x_1", version: 1, peerStore: "peer-store-1" }]);
  const again = await hold(store, "a");
  expect(again.lease.inbox.applied).toEqual(new Map([["x_1", 1]]));
  await again.lease.close();
  second.release();
});

it("a mailbox that was kept for what was being applied goes with the last of it", async () => {
  const { store } = await startedOver(createMemoryDisk());
  const { lease } = await hold(store, "a");
  const use = lease.use();
  await lease.close();
  await accept(store, "other", command("x_1"));
  expect(await store.stats("a")).toBeDefined();
  use.release();
  await expect.poll(() => store.stats("a")).toBeUndefined();
});
