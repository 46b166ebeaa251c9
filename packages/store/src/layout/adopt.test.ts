import { EVENT_TYPES, HawserError, type EventDraft } from "@hawser/protocol";
import { seededRandom } from "@hawser/runtime";
import { expect, it } from "vitest";
import { adoptRolledBackStore } from "./adopt.js";
import { hold, inboxOf, pendingVersions } from "../compliance/harness.js";
import { createMemoryDisk, type MemoryDisk } from "../disk/memory-disk.js";
import { createMemoryStore } from "../memory-store.js";
import type { Store } from "../contract/store.js";

const random = seededRandom(5);

function spec(name: string): EventDraft {
  return {
    specversion: "1.0",
    id: random.uuid(),
    source: "test",
    type: EVENT_TYPES.spec,
    subject: `Thing/${name}`,
    resourceid: `${name}_u1`,
    datacontenttype: "application/json",
    data: { kind: "Thing", name, uid: "u1", spec: {} },
  };
}

const command = (id: string): EventDraft => ({
  specversion: "1.0",
  id,
  source: "test",
  type: "test.command",
  resourceid: "c_u1",
});

/** A store in which agents `a` and `b` have acknowledged a spec each, and a command of `a` waits. */
async function filled(disk: MemoryDisk): Promise<Store> {
  const store = createMemoryStore({ disk });
  await store.start();
  for (const peer of ["a", "b"]) {
    const { lease } = await hold(store, peer, `store-of-${peer}`);
    await store.append([{ peer, event: spec("x") }]);
    lease.acknowledge(1);
    await lease.record([{ resourceid: "s_1", version: 7 }]);
    await lease.close();
  }
  await store.append([{ peer: "a", event: command("1") }]);
  await store.append([{ peer: "new", event: spec("x") }]);
  return store;
}

const pending = (store: Store, peer: string) => pendingVersions(store, peer, `store-of-${peer}`);

it("gives the copy a name of its own, and every peer hears retained state again and begins anew", async () => {
  const disk = createMemoryDisk();
  const original = await filled(disk);
  await original.stop();
  const { id } = await adoptRolledBackStore(disk.attach(), random);
  const store = createMemoryStore({ disk });
  await store.start();
  expect([store.id, id !== original.id]).toEqual([id, true]);
  expect(await pending(store, "a")).toEqual([1, 2]);
  expect(await pending(store, "b")).toEqual([1]);
  expect(await pending(store, "new")).toEqual([1]);
  expect((await inboxOf(store, "a", "store-of-a")).applied.size).toBe(0);
  // From now on it is a store like any other.
  const { lease } = await hold(store, "b", "store-of-b");
  lease.acknowledge(1);
  await lease.close();
  expect(await pending(store, "b")).toEqual([]);
  await store.stop();
});

it("may be repeated, also after its last write failed", async () => {
  const disk = createMemoryDisk();
  await (await filled(disk)).stop();
  disk.failWrites(new HawserError("store_full", "no space left"));
  await expect(adoptRolledBackStore(disk.attach(), random)).rejects.toMatchObject({ code: "store_full" });
  disk.failWrites(undefined);
  const first = await adoptRolledBackStore(disk.attach(), random);
  const second = await adoptRolledBackStore(disk.attach(), random);
  const store = createMemoryStore({ disk });
  await store.start();
  expect([store.id, second.id !== first.id]).toEqual([second.id, true]);
  expect(await pending(store, "a")).toEqual([1, 2]);
  await store.stop();
});

it("makes no store where there is none", async () => {
  const disk = createMemoryDisk();
  await expect(adoptRolledBackStore(disk.attach(), random)).rejects.toMatchObject({ code: "invalid_config" });
  const opened = await disk.attach().open();
  expect(await opened.range({ from: "", before: "\uffff", limit: 1 })).toEqual([]);
});
