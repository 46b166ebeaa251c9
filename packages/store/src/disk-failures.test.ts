import { HawserError } from "@hawser/protocol";
import { silentLogger, systemClock, systemRandom, systemTimers, type Runtime } from "@hawser/runtime";
import { ManualTimers } from "@hawser/testkit";
import { describe, expect, it } from "vitest";
import { MAX_COMMIT_ITEMS } from "./commit/committer.js";
import { accept, command, hold, inboxOf, pendingVersions, refusal, spec } from "./compliance/harness.js";
import { createDiskStore } from "./disk-store.js";
import type { Disk, OpenDisk } from "./disk/disk.js";
import { createMemoryDisk } from "./disk/memory-disk.js";

/** What the next write or open does. */
type Fault = "none" | "fails" | "lands but fails";

const NO_SPACE = new HawserError("store_full", "no space left on device");

/** A disk that fails when told to, and counts what it is asked. */
class FaultyDisk implements Disk {
  write: Fault = "none";
  openFails = false;
  opens = 0;
  syncedWrites = 0;
  unsyncedWrites = 0;
  readsFail = false;
  room = true;
  readonly #inner = createMemoryDisk().attach();

  async open(): Promise<OpenDisk> {
    if (this.openFails) throw NO_SPACE;
    this.opens++;
    const inner = await this.#inner.open();
    return {
      get: async (keys) => (this.readsFail ? Promise.reject(new Error("EIO")) : inner.get(keys)),
      range: (range) => inner.range(range),
      getEntries: (wanted) => inner.getEntries(wanted),
      hasEntries: (wanted) => inner.hasEntries(wanted),
      rangeEntries: (range) => inner.rangeEntries(range),
      close: () => inner.close(),
      write: async (changes, sync) => {
        if (sync) this.syncedWrites++;
        else this.unsyncedWrites++;
        const { write } = this;
        if (write !== "fails") await inner.write(changes, sync);
        if (write !== "none") throw NO_SPACE;
      },
    };
  }

  async hasRoom(): Promise<boolean> {
    return this.room;
  }

  explain(thrown: unknown) {
    return this.#inner.explain(thrown);
  }
}

/** Beyond every delay of the store. */
const LONG_MS = 60_000;

async function started() {
  const disk = new FaultyDisk();
  const timers = new ManualTimers();
  const runtime: Runtime = {
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    timers: {
      after: (delayMs, callback) => timers.after(delayMs, callback),
      soon: (callback) => systemTimers.soon(callback),
    },
  };
  const store = createDiskStore(disk, { runtime });
  await store.start();
  return { disk, timers, store };
}

describe("a write that fails", () => {
  it("is not accepted where the disk says it is not there, and the next is", async () => {
    const { disk, store } = await started();
    await accept(store, "a", command("x_1"));
    disk.write = "fails";
    const [answer] = await store.append([{ peer: "a", event: command("x_1") }]);
    expect(refusal(answer)).toEqual({ reason: "unavailable", code: "store_full" });
    expect(disk.opens).toBe(2);
    disk.write = "none";
    expect(await accept(store, "a", command("x_1"))).toBe(2);
    expect(await pendingVersions(store, "a")).toEqual([1, 2]);
  });

  it("is accepted where the disk has it all the same, and its holder hears of it", async () => {
    const { disk, store } = await started();
    const holder = await hold(store, "a");
    disk.write = "lands but fails";
    const [answer] = await store.append([{ peer: "a", event: command("x_1") }]);
    expect(answer).toEqual({ ok: true, version: 1, duplicate: false });
    expect(holder.events.map((entry) => entry.version)).toEqual([1]);
    expect(holder.losses).toEqual([]);
  });

  it.each(["fails", "lands but fails"] as const)(
    "is unknown where the disk cannot be opened again; once it can, everybody begins anew if it landed (%s)",
    async (fault) => {
      const { disk, timers, store } = await started();
      await accept(store, "a", command("x_1"));
      const holder = await hold(store, "a");
      disk.write = fault;
      disk.openFails = true;
      const append = { peer: "a", event: command("x_1"), idempotencyKey: "key" };
      const [answer] = await store.append([append]);
      expect(refusal(answer)).toEqual({ reason: "unknown", code: "store_full" });
      const [meanwhile] = await store.append([append]);
      expect(refusal(meanwhile)).toEqual({ reason: "unavailable", code: "store_full" });
      await expect(holder.lease.read(0, 1)).rejects.toMatchObject({ code: "store_full" });

      timers.advance(LONG_MS);
      await expect.poll(() => timers.pending).toBe(1);
      disk.write = "none";
      disk.openFails = false;
      timers.advance(LONG_MS);
      await expect.poll(async () => (await store.stats("a"))?.pending).toBe(fault === "fails" ? 1 : 2);
      expect(holder.losses).toEqual(fault === "fails" ? [] : ["resync"]);

      // The same key tells whether it was accepted; a version that may be somewhere is not given to another event.
      const landed = fault === "lands but fails";
      const [repeated] = await store.append([append]);
      expect(repeated).toEqual({ ok: true, version: landed ? 2 : 3, duplicate: landed });
      expect(await pendingVersions(store, "a")).toEqual(landed ? [1, 2] : [1, 3]);
      await store.stop();
      expect(timers.pending).toBe(0);
    },
  );

  it("rejects what is not an append, and keeps acknowledgements for later", async () => {
    const { disk, store } = await started();
    await accept(store, "a", command("x_1"));
    await accept(store, "a", command("x_1"));
    const { lease } = await hold(store, "a");
    lease.acknowledge(1);
    disk.write = "fails";
    const full = { code: "store_full" };
    await expect(lease.record([{ resourceid: "x_1", version: 1 }])).rejects.toMatchObject(full);
    await expect(lease.deadLetter(2, { code: "expired", message: "", at: 1 })).rejects.toMatchObject(full);
    await expect(hold(store, "a")).rejects.toMatchObject(full);
    disk.write = "none";
    expect(await pendingVersions(store, "a")).toEqual([2]);
    expect((await inboxOf(store, "a")).applied.size).toBe(0);
  });

  it("leaves the holder in place when a claim fails", async () => {
    const { disk, store } = await started();
    const holder = await hold(store, "a");
    disk.write = "fails";
    await expect(hold(store, "a")).rejects.toThrow("no space");
    disk.write = "none";
    await accept(store, "a", command("x_1"));
    expect(holder.losses).toEqual([]);
    expect(holder.events).toHaveLength(1);
  });

  it("in the middle of a removal has it finished once the disk is back, without anybody asking again", async () => {
    const { disk, timers, store } = await started();
    await store.append(Array.from({ length: 2_500 }, (_, n) => ({ peer: "a", event: spec(`x${n}_1`) })));
    const removing = store.remove("a");
    // The second refusal comes out of the second commit, so the first is done then.
    for (let commit = 1; commit <= 2; commit += 1) {
      const [refused] = await store.append([{ peer: "a", event: spec("x0_1") }]);
      expect(refusal(refused)).toEqual({ reason: "unavailable", code: "store_unavailable" });
    }
    disk.write = "fails";
    disk.openFails = true;
    await expect(removing).rejects.toMatchObject({ code: "store_full" });
    timers.advance(LONG_MS);
    disk.write = "none";
    disk.openFails = false;
    await expect
      .poll(async () => {
        timers.advance(LONG_MS);
        return store.stats("a").catch(() => "unavailable");
      })
      .toBeUndefined();
    expect(await accept(store, "a", spec("x0_1"))).toBeGreaterThan(2_500);
    expect(await store.stats("a")).toMatchObject({ pending: 1 });
    await store.stop();
    expect(timers.pending).toBe(0);
  });

  it("stops cleanly while the disk is gone", async () => {
    const { disk, timers, store } = await started();
    disk.write = "fails";
    disk.openFails = true;
    await store.append([{ peer: "a", event: command("x_1") }]);
    await store.stop();
    expect(timers.pending).toBe(0);
  });
});

describe("a disk that is full", () => {
  async function full(fault: Fault) {
    const parts = await started();
    const { disk, store } = parts;
    await accept(store, "a", spec("x_1"));
    await accept(store, "a", command("x_1"));
    const holder = await hold(store, "a");
    await holder.lease.deadLetter(2, { code: "expired", message: "", at: 1 });
    await accept(store, "a", command("x_1"));
    disk.write = fault;
    disk.room = false;
    const append = { peer: "a", event: command("x_1"), idempotencyKey: "key" };
    const [answer] = await store.append([append]);
    expect(refusal(answer)).toEqual({ reason: "unknown", code: "store_full" });
    disk.write = "none";
    return { ...parts, holder, append };
  }

  it("is read, and refuses every write at once without being touched", async () => {
    const { disk, store, holder, append } = await full("fails");
    const { opens, syncedWrites } = disk;
    expect(await store.peers({ limit: 10 })).toMatchObject([{ peer: "a", pending: 2, deadLetters: 1 }]);
    expect(await store.stats("a")).toMatchObject({ lastVersion: 3 });
    expect(await store.deadLetters("a", { limit: 10 })).toHaveLength(1);
    expect(await store.retained.list("a", "sent", { limit: 10 })).toHaveLength(1);
    expect((await holder.lease.read(0, 10)).map(({ version }) => version)).toEqual([1, 3]);
    const storeFull = { code: "store_full" };
    expect(refusal((await store.append([append]))[0])).toMatchObject({ reason: "unavailable", ...storeFull });
    expect(refusal(await store.requeue("a", 2)).code).toBe("store_full");
    await expect(store.discard("a", 2)).rejects.toMatchObject(storeFull);
    await expect(hold(store, "a")).rejects.toMatchObject(storeFull);
    await expect(holder.lease.record([{ resourceid: "x_1", version: 1 }])).rejects.toMatchObject(storeFull);
    expect([disk.opens, disk.syncedWrites]).toEqual([opens, syncedWrites]);
    await store.stop();
  });

  it("is opened again once there is room; holders go on, and what they acknowledged meanwhile is written", async () => {
    const { disk, timers, store, holder, append } = await full("fails");
    const { opens } = disk;
    holder.lease.acknowledge(1);
    timers.advance(LONG_MS);
    await expect.poll(() => timers.pending).toBe(2);
    expect(disk.opens).toBe(opens);
    disk.room = true;
    timers.advance(LONG_MS);
    await expect.poll(() => disk.opens).toBe(opens + 1);
    expect(await store.append([append])).toEqual([{ ok: true, version: 5, duplicate: false }]);
    expect(holder.losses).toEqual([]);
    expect(holder.events.map(({ version }) => version)).toEqual([3, 5]);
    expect((await holder.lease.read(0, 10)).map(({ version }) => version)).toEqual([3, 5]);
    await store.stop();
    expect(timers.pending).toBe(0);
  });

  it("that has the failed commit all the same makes holders begin anew", async () => {
    const { disk, timers, store, holder, append } = await full("lands but fails");
    disk.room = true;
    timers.advance(LONG_MS);
    await expect.poll(() => holder.losses).toEqual(["resync"]);
    expect(await store.append([append])).toEqual([{ ok: true, version: 4, duplicate: true }]);
    expect(await pendingVersions(store, "a")).toEqual([1, 3, 4]);
  });

  it("forgets what was gathered of a peer whose new store a failed claim had noted all the same (its state was taken for delivered)", async () => {
    const { store, disk, timers } = await started();
    await accept(store, "a", spec("x_1"));
    const { lease } = await hold(store, "a", "first");
    lease.acknowledge(1);
    lease.settle(500);
    Object.assign(disk, { write: "lands but fails", room: false });
    await expect(hold(store, "a", "second")).rejects.toMatchObject({ code: "store_full" });
    Object.assign(disk, { write: "none", room: true });
    timers.advance(LONG_MS);
    await expect.poll(async () => store.stats("a").then((stats) => stats?.pending)).toBe(1);
    timers.advance(LONG_MS);
    expect(await pendingVersions(store, "a", "second")).toEqual([1]);
    expect(await inboxOf(store, "a", "second")).toMatchObject({ settled: 0 });
  });

  it("is opened where nobody can tell whether there is room", async () => {
    const { disk, store } = await started();
    disk.hasRoom = () => Promise.reject(new Error("ENOSYS"));
    disk.write = "fails";
    const [answer] = await store.append([{ peer: "a", event: command("x_1") }]);
    expect(refusal(answer)).toEqual({ reason: "unavailable", code: "store_full" });
    expect(disk.opens).toBe(2);
  });

  it("lets the store stop", async () => {
    const { timers, store } = await full("fails");
    await store.stop();
    expect(timers.pending).toBe(0);
    await expect(store.stats("a")).rejects.toMatchObject({ code: "store_unavailable" });
  });
});

describe("a read that fails", () => {
  it("refuses what needs it and harms nothing", async () => {
    const { disk, store } = await started();
    await accept(store, "a", spec("x_1"));
    disk.readsFail = true;
    const [answer] = await store.append([{ peer: "a", event: spec("x_1") }]);
    expect(refusal(answer)).toEqual({ reason: "unavailable", code: "store_unavailable" });
    expect((await store.append([{ peer: "a", event: command("x_1") }]))[0]).toMatchObject({ ok: true });
    disk.readsFail = false;
    expect(await accept(store, "a", spec("x_1"))).toBe(3);
  });
});

describe("an event that cannot be written", () => {
  it("is refused alone", async () => {
    const { store } = await started();
    const unwritable = JSON.parse("{}");
    unwritable.self = unwritable;
    const answers = await store.append([
      { peer: "a", event: command("x_1") },
      { peer: "a", event: command("x_1", { data: unwritable }) },
      { peer: "a", event: command("x_1") },
    ]);
    expect(answers.map((answer) => answer.ok)).toEqual([true, false, true]);
    expect(refusal(answers[1]).code).toBe("invalid_event");
    expect(await pendingVersions(store, "a")).toEqual([1, 2]);
  });
});

describe("group commit", () => {
  it("commits what comes together together, durably", async () => {
    const { disk, store } = await started();
    const before = disk.syncedWrites;
    await Promise.all(Array.from({ length: 300 }, () => accept(store, "a", command("x_1"))));
    expect(disk.syncedWrites - before).toBe(1);
    await store.append(
      Array.from({ length: MAX_COMMIT_ITEMS + 1 }, () => ({ peer: "a", event: command("x_1") })),
    );
    expect(disk.syncedWrites - before).toBe(3);
  });

  it("takes at most about two mebibytes per commit", async () => {
    const { disk, store } = await started();
    const before = disk.syncedWrites;
    const data = "x".repeat(300_000);
    await store.append(Array.from({ length: 8 }, () => ({ peer: "a", event: command("x_1", { data }) })));
    expect(disk.syncedWrites - before).toBe(2);
  });

  it("does not sync for what may be lost, and writes it by itself only after the delay", async () => {
    const { disk, timers, store } = await started();
    await accept(store, "a", command("x_1"));
    const { lease } = await hold(store, "a");
    const { syncedWrites, unsyncedWrites } = disk;
    await lease.begin([{ resourceid: "x_1", version: 1, attempt: 1 }]);
    expect(disk.unsyncedWrites).toBe(unsyncedWrites + 1);
    lease.acknowledge(1);
    expect(timers.pending).toBe(1);
    timers.advance(LONG_MS);
    await expect.poll(() => disk.unsyncedWrites).toBe(unsyncedWrites + 2);
    expect(disk.syncedWrites).toBe(syncedWrites);
    expect((await store.stats("a"))?.pending).toBe(0);
  });

  it("answers overloaded beyond what may wait, and none of those before are hurt", async () => {
    const { store } = await started();
    const answers = await store.append(
      Array.from({ length: 65_537 }, () => ({ peer: "a", event: command("x_1") })),
    );
    expect(answers.slice(0, 65_536).every((answer) => answer.ok)).toBe(true);
    expect(refusal(answers[65_536])).toEqual({ reason: "unavailable", code: "overloaded" });
  });
});
