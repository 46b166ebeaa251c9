import { describe, expect, it, vi } from "vitest";
import type { MailboxEntry } from "../contract/mailbox.js";
import {
  accept,
  command,
  DEAF,
  expectEntry,
  hold,
  HOLDER,
  pendingVersions,
  spec,
  storeFor,
  turn,
  type MakeStore,
} from "./harness.js";

export function leaseCompliance(make: MakeStore): void {
  describe("open and the lease", () => {
    it("knows which versions an earlier holder can have told the peer", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", command("x_1"));
      const first = await hold(store, "a");
      expect(first.lease.toldBefore).toBe(0);
      await accept(store, "a", command("x_1"));
      await first.lease.close();
      await accept(store, "a", command("x_1"));
      const second = await hold(store, "a");
      expect(second.lease.toldBefore).toBe(2);
      await second.lease.close();
      // A new store of the peer has been told of nothing.
      expect((await hold(store, "a", "peer-store-2")).lease.toldBefore).toBe(0);
    });

    it("reads up to the entry that reaches maxBytes, and so at least one", async () => {
      const { store } = await storeFor(make);
      const large = { data: "é".repeat(500) };
      for (let n = 0; n < 5; n += 1) await accept(store, "a", command(`x${n}_1`, large));
      const { lease } = await hold(store, "a");
      const [first] = await lease.read(0, 1);
      const size = first?.bytes ?? 0;
      const read = async (after: number, limit: number, maxBytes: number): Promise<readonly number[]> =>
        (await lease.read(after, limit, maxBytes)).map((entry) => entry.version);
      expect(await read(0, 10, 1)).toEqual([1]);
      expect(await read(0, 10, size)).toEqual([1]);
      expect(await read(0, 10, size + 1)).toEqual([1, 2]);
      expect(await read(2, 10, size * 2)).toEqual([3, 4]);
      expect(await read(0, 3, size * 100)).toEqual([1, 2, 3]);
      expect(await read(3, 10, size * 100)).toEqual([4, 5]);
      // What is acknowledged and not written yet takes no part of it.
      for (const version of [1, 2, 4]) lease.acknowledge(version);
      expect(await read(0, 10, size * 2)).toEqual([3, 5]);
      await expect(lease.read(0, 1, 0)).rejects.toThrow("maxBytes");
    });

    it("reads what was committed before, and hears what is committed after", async () => {
      const { store } = await storeFor(make);
      const before = spec("x_1");
      const after = command("x_1");
      await accept(store, "a", before);
      const holder = await hold(store, "a");
      expectEntry((await holder.lease.read(0, 10))[0], 1, before);
      await accept(store, "a", after);
      await accept(store, "b", command("x_1"));
      await vi.waitFor(() => expect(holder.events).toHaveLength(1));
      expectEntry(holder.events[0], 2, after);
    });

    it("pages in version order; fewer than the limit means that is all", async () => {
      const { store } = await storeFor(make);
      await store.append(Array.from({ length: 25 }, () => ({ peer: "a", event: command("x_1") })));
      const { lease } = await hold(store, "a");
      const versions = async (after: number, limit: number) =>
        (await lease.read(after, limit)).map((entry) => entry.version);
      expect(await versions(0, 10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(await versions(10, 10)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
      expect(await versions(20, 10)).toEqual([21, 22, 23, 24, 25]);
      expect(await versions(25, 10)).toEqual([]);
      for (let version = 1; version <= 20; version += 2) lease.acknowledge(version);
      expect(await versions(0, 10)).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
    });

    it("delivers in version order under concurrent appends, and misses nothing between read and event", async () => {
      const { store } = await storeFor(make);
      const appendSome = () =>
        Promise.all(Array.from({ length: 20 }, () => accept(store, "a", command("x_1"))));
      const first = appendSome();
      const opening = hold(store, "a");
      const second = appendSome();
      const holder = await opening;
      const third = appendSome();
      const read = await holder.lease.read(0, 1_000);
      await Promise.all([first, second, third]);
      await vi.waitFor(() => {
        const seen = new Set([...read, ...holder.events].map((entry) => entry.version));
        expect(seen.size).toBe(60);
      });
      const heard = holder.events.map((entry) => entry.version);
      expect(heard).toEqual(heard.toSorted((x, y) => x - y));
      expect(new Set(heard).size).toBe(heard.length);
    });

    it("gives the caller its lease before the first event", async () => {
      const { store } = await storeFor(make);
      let opened = false;
      const told: (readonly [opened: boolean, version: number])[] = [];
      const on = {
        ...DEAF,
        event: ({ version }: MailboxEntry) => void told.push([opened, version]),
        more: (position: number) => void told.push([opened, position]),
      };
      const opening = store
        .open("a", HOLDER, () => ({ peerStore: "s" }), on)
        .then((lease) => {
          opened = true;
          return lease;
        });
      const appended = accept(store, "a", command("x_1"));
      const [lease] = await Promise.all([opening, appended]);
      await vi.waitFor(() => expect(told).toEqual([[true, 1]]));
      expect(await lease.read(0, 10)).toHaveLength(1);
      await accept(store, "a", command("x_1"));
      await vi.waitFor(() => expect(told.at(-1)).toEqual([true, 2]));
    });

    it("gives the first entries along, as read would", async () => {
      const { store } = await storeFor(make);
      for (let n = 1; n <= 5; n += 1) await accept(store, "a", command(`x${n}_1`));
      const firstOf = async (first?: { limit: number; maxBytes?: number }): Promise<readonly number[]> => {
        const options = first === undefined ? {} : { first };
        const lease = await store.open("a", HOLDER, () => ({ peerStore: "s", ...options }), DEAF);
        return lease.first.map(({ version }) => version);
      };
      expect(await firstOf()).toEqual([]);
      expect(await firstOf({ limit: 3 })).toEqual([1, 2, 3]);
      expect(await firstOf({ limit: 10 })).toEqual([1, 2, 3, 4, 5]);
      expect(await firstOf({ limit: 10, maxBytes: 1 })).toEqual([1]);
      const { lease } = await hold(store, "a", "s");
      lease.acknowledge(2);
      expect(await firstOf({ limit: 3 })).toEqual([1, 3, 4]);
    });

    it("hears of what comes as it is being opened, and gives along nothing that went meanwhile", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      await accept(store, "a", spec("y_1"));
      const known = new Map<number, string>();
      let position = 0;
      const on = {
        ...DEAF,
        event: (entry: MailboxEntry) => void known.set(entry.version, entry.event.resourceid),
        more: (reached: number) => void (position = reached),
      };
      const options = { peerStore: "s", first: { limit: 10 } };
      const opening = store.open("a", HOLDER, () => options, on);
      const busy: Promise<unknown>[] = [];
      for (let round = 0; round < 6; round += 1) {
        busy.push(accept(store, "a", spec("x_1")), accept(store, "a", command("z_1")));
        if (round === 3) busy.push(store.purge("a", { subject: "Thing/y" }));
        await Promise.resolve();
      }
      const lease = await opening;
      for (const { version, event } of lease.first) known.set(version, event.resourceid);
      await Promise.all(busy);
      await turn();
      for (const entry of await lease.read(0, Math.max(1, position)))
        known.set(entry.version, entry.event.resourceid);
      const pending = (await lease.read(0, 100)).map(({ version }) => version);
      expect(pending.every((version) => known.has(version))).toBe(true);
      expect(pending).not.toContain(2);
    });

    it("is refused to whom another one has overtaken as it was being opened", async () => {
      const { store } = await storeFor(make);
      const losses: string[] = [];
      const on = { ...DEAF, lost: (why: string) => void losses.push(why) };
      const claim = () => ({ peerStore: "s" });
      const both = await Promise.allSettled([
        store.open("a", HOLDER, claim, on),
        store.open("a", HOLDER, claim, DEAF),
      ]);
      const [first, second] = both;
      if (first.status === "rejected") expect(first.reason).toMatchObject({ code: "superseded" });
      else await vi.waitFor(() => expect(losses).toEqual(["superseded"]));
      expect(second.status).toBe("fulfilled");
    });

    it("numbers without gaps in the order of commits, over restarts", async () => {
      const underTest = await storeFor(make);
      const heard: number[] = [];
      for (let life = 0; life < 3; life += 1) {
        const holder = await hold(underTest.store, "a");
        await Promise.all(Array.from({ length: 20 }, () => accept(underTest.store, "a", command("x_1"))));
        await vi.waitFor(() => expect(holder.events).toHaveLength(20));
        heard.push(...holder.events.map(({ version }) => version));
        await underTest.restart();
      }
      expect(heard).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    });

    it("flushes what was acknowledged, however much that is", async () => {
      const underTest = await storeFor(make);
      const batch = Array.from({ length: 6_000 }, () => ({ peer: "a", event: command("x_1") }));
      await underTest.store.append(batch);
      const { lease } = await hold(underTest.store, "a");
      for (let version = 1; version <= 6_000; version += 1) lease.acknowledge(version, version);
      await lease.flush();
      expect(await underTest.store.stats("a")).toMatchObject({ pending: 0 });
      expect(await underTest.store.standing("a")).toMatchObject({ peer: { recorded: 6_000 } });
    });

    it("drops what is acknowledged, keeps the rest, and ignores unknown versions and repeats", async () => {
      const { store } = await storeFor(make);
      for (let i = 0; i < 4; i++) await accept(store, "a", command("x_1"));
      const { lease } = await hold(store, "a");
      await lease.read(0, 2);
      for (const version of [1, 1, 3, 99, 0, -1]) lease.acknowledge(version);
      await lease.close();
      expect(await pendingVersions(store, "a")).toEqual([2, 4]);
      const again = await hold(store, "a");
      again.lease.acknowledge(1);
      await again.lease.close();
      expect(await store.stats("a")).toMatchObject({ pending: 2, lastVersion: 4 });
    });

    it("ignores the acknowledgement of what was superseded meanwhile", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      const { lease } = await hold(store, "a");
      await lease.read(0, 10);
      await accept(store, "a", spec("x_1"));
      lease.acknowledge(1);
      await lease.close();
      expect(await pendingVersions(store, "a")).toEqual([2]);
      expect((await store.stats("a"))?.pending).toBe(1);
    });

    it("raises the epoch with each open, over restarts and crashes", async () => {
      const underTest = await storeFor(make);
      const first = await hold(underTest.store, "a");
      const second = await hold(underTest.store, "a");
      const third = await hold(await underTest.restart(), "a");
      const fourth = await hold(await underTest.crash(), "a");
      const epochs = [first, second, third, fourth].map(({ lease }) => lease.epoch);
      expect(epochs[0]).toBeGreaterThan(0);
      expect(epochs).toEqual([...new Set(epochs)].toSorted((x, y) => x - y));
    });

    it("tells the previous holder that it is superseded, and makes its lease inert", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", command("x_1"));
      const old = await hold(store, "a");
      const current = await hold(store, "a");
      await vi.waitFor(() => expect(old.losses).toEqual(["superseded"]));
      old.lease.acknowledge(1);
      await old.lease.deadLetter(1, { code: "expired", message: "", at: 1 });
      await expect(old.lease.read(0, 1)).rejects.toMatchObject({ code: "superseded" });
      await accept(store, "a", command("x_1"));
      await vi.waitFor(() => expect(current.events.map((entry) => entry.version)).toEqual([2]));
      expect(old.events).toEqual([]);
      await old.lease.close();
      expect(await current.lease.read(0, 10)).toHaveLength(2);
      expect(await store.deadLetters("a", { limit: 10 })).toEqual([]);
      expect(current.losses).toEqual([]);
    });

    it("keeps what a holder acknowledged before it was superseded", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", command("x_1"));
      const old = await hold(store, "a");
      old.lease.acknowledge(1);
      const current = await hold(store, "a");
      expect(await current.lease.read(0, 10)).toEqual([]);
    });

    it("says nothing to a holder that gave the mailbox up", async () => {
      const { store } = await storeFor(make);
      const gone = await hold(store, "a");
      await gone.lease.close();
      await gone.lease.close();
      await accept(store, "a", command("x_1"));
      const next = await hold(store, "a");
      await accept(store, "a", command("x_1"));
      await vi.waitFor(() => expect(next.events).toHaveLength(1));
      expect(gone.events).toEqual([]);
      expect(gone.losses).toEqual([]);
    });

    it("survives a holder that throws from its callbacks", async () => {
      const { store } = await storeFor(make);
      const fail = (): never => {
        throw new Error("a holder's mistake");
      };
      const on = { event: fail, more: fail, lost: fail, purged: fail };
      await store.open("a", HOLDER, () => ({ peerStore: "s" }), on);
      const other = await hold(store, "b");
      const answers = await store.append([
        { peer: "a", event: command("x_1") },
        { peer: "b", event: command("x_1") },
      ]);
      expect(answers.every((answer) => answer.ok)).toBe(true);
      await vi.waitFor(() => expect(other.events).toHaveLength(1));
      expect(await pendingVersions(store, "a", "s")).toEqual([1]);
    });
  });
}
