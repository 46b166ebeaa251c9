import { describe, expect, it } from "vitest";
import {
  accept,
  command,
  deletion,
  expectEntry,
  hold,
  inboxOf,
  pendingVersions,
  received,
  spec,
  status,
  storeFor,
  versionOf,
  type MakeStore,
} from "./harness.js";

export function peerStoreCompliance(make: MakeStore): void {
  describe("a peer that lost its store", () => {
    it("is remembered at first sight, without consequences", async () => {
      const underTest = await storeFor(make);
      await accept(underTest.store, "a", spec("x_1"));
      const { lease } = await hold(underTest.store, "a", "first");
      await lease.record([{ resourceid: "x_1", version: 3 }]);
      lease.acknowledge(1);
      await underTest.restart();
      const store = await underTest.crash();
      expect(await pendingVersions(store, "a", "first")).toEqual([]);
      expect((await inboxOf(store, "a", "first")).applied.get("x_1")).toBe(3);
    });

    it("hears all retained state again under its own versions, and nothing else", async () => {
      const { store } = await storeFor(make);
      const acknowledged = spec("x_1");
      await accept(store, "a", acknowledged);
      await accept(store, "a", command("x_1"));
      await accept(store, "a", spec("y_1"));
      await accept(store, "a", deletion("z_1"));
      const { lease } = await hold(store, "a", "first");
      for (const version of [1, 2, 4]) lease.acknowledge(version);
      const before = await store.stats("a");
      const second = await hold(store, "a", "second");
      const entries = await second.lease.read(0, 10);
      expect(entries.map((entry) => entry.version)).toEqual([1, 3]);
      expectEntry(entries[0], 1, acknowledged);
      expect(await store.stats("a")).toMatchObject({ pending: 2, lastVersion: before?.lastVersion });
      expect(await store.retained.get("a", "sent", "Thing/x")).toMatchObject({ version: 1, pending: true });
      expect(await accept(store, "a", command("x_1"))).toBe(5);
      second.lease.acknowledge(1);
      await second.lease.close();
      expect(await pendingVersions(store, "a", "second")).toEqual([3, 5]);
    });

    it("hears again what it acknowledged only just before, however much that was", async () => {
      const { store } = await storeFor(make);
      const { lease } = await hold(store, "a", "first");
      const count = 6_000;
      const batch = Array.from({ length: count }, (_, index) => ({ peer: "a", event: spec(`r${index}_1`) }));
      for (const appended of await store.append(batch)) lease.acknowledge(versionOf(appended));
      expect(await pendingVersions(store, "a", "second")).toHaveLength(count);
      expect(await pendingVersions(store, "a", "second")).toHaveLength(count);
    });

    it("has its inbox rows forgotten, and its versions begin anew", async () => {
      const underTest = await storeFor(make);
      const { store } = underTest;
      const first = await hold(store, "a", "first");
      const late = status("x_1");
      await first.lease.record([{ resourceid: "x_1", version: 9, retain: { keep: received(late, 9) } }]);
      await first.lease.begin([{ resourceid: "y_1", version: 10, attempt: 1 }]);
      first.lease.settle(8);
      const second = await hold(store, "a", "second");
      const empty = { settled: 0, applied: new Map(), begun: new Map() };
      expect(second.lease.inbox).toEqual(empty);
      expect(await store.retained.get("a", "received", "Thing/x")).toMatchObject({ version: 9 });
      const early = status("x_1");
      await second.lease.record([{ resourceid: "x_1", version: 2, retain: { keep: received(early, 2) } }]);
      expect(await store.retained.get("a", "received", "Thing/x")).toMatchObject({ version: 2 });
      second.lease.settle(1);
      const later = await underTest.restart();
      expect(await inboxOf(later, "a", "second")).toMatchObject({
        settled: 1,
        applied: new Map([["x_1", 2]]),
      });
    });

    it("loses nothing twice: the same new store is remembered over a crash", async () => {
      const underTest = await storeFor(make);
      await accept(underTest.store, "a", spec("x_1"));
      await hold(underTest.store, "a", "first");
      const { lease } = await hold(underTest.store, "a", "second");
      lease.acknowledge(1);
      await underTest.restart();
      const store = await underTest.crash();
      expect(await pendingVersions(store, "a", "second")).toEqual([]);
      expect(await pendingVersions(store, "a", "third")).toEqual([1]);
    });

    it("or has only forgotten its inbox hears retained state again, and its own versions go on", async () => {
      const underTest = await storeFor(make);
      const { store } = underTest;
      await accept(store, "a", spec("x_1"));
      await accept(store, "a", command("x_1"));
      const { lease } = await hold(store, "a", "first");
      lease.acknowledge(1);
      lease.acknowledge(2);
      await lease.record([{ resourceid: "x_1", version: 9 }]);
      await lease.close();
      const again = await hold(store, "a", "first", { inboxForgotten: true });
      expect((await again.lease.read(0, 10)).map(({ version }) => version)).toEqual([1]);
      await again.lease.close();
      const later = await underTest.crash();
      expect(await pendingVersions(later, "a", "first")).toEqual([1]);
      expect((await inboxOf(later, "a", "first")).applied.get("x_1")).toBe(9);
    });

    it("gets another chance at what was a dead letter", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      await accept(store, "a", command("x_1"));
      const { lease } = await hold(store, "a", "first");
      const reason = { code: "handler_rejected", message: "", at: 1 };
      await lease.deadLetter(1, reason);
      await lease.deadLetter(2, reason);
      const bytes = (await store.stats("a"))?.bytes;
      expect(await pendingVersions(store, "a", "second")).toEqual([1]);
      expect((await store.deadLetters("a", { limit: 10 })).map((letter) => letter.version)).toEqual([2]);
      expect(await store.stats("a")).toMatchObject({ pending: 1, deadLetters: 1, bytes });
    });

    it("hears only the newest state of a resource that had several subjects", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1", { subject: "Thing/old" }));
      await accept(store, "a", spec("x_1", { subject: "Thing/new" }));
      const { lease } = await hold(store, "a", "first");
      lease.acknowledge(2);
      expect(await pendingVersions(store, "a", "second")).toEqual([2]);
      expect((await store.stats("a"))?.pending).toBe(1);
    });

    it("makes room by itself even where the caps are reached", async () => {
      const { store } = await storeFor(make, { maxEntries: 2 });
      const first = await hold(store, "a", "first");
      for (const name of ["x_1", "y_1", "z_1"]) {
        const version = await accept(store, "a", spec(name));
        first.lease.acknowledge(version);
      }
      expect(await pendingVersions(store, "a", "second")).toEqual([1, 2, 3]);
      const [answer] = await store.append([{ peer: "a", event: command("x_1") }]);
      expect(answer).toMatchObject({ ok: false, reason: "full" });
    });
  });
}
