import { describe, expect, it, vi } from "vitest";
import {
  accept,
  command,
  deletion,
  hold,
  pendingVersions,
  refusal,
  spec,
  storeFor,
  type MakeStore,
} from "./harness.js";

const REASON = { code: "handler_rejected", message: "no such kind", at: 1_700_000_000_000 };

export function deadLetterCompliance(make: MakeStore): void {
  describe("dead letters", () => {
    it("moves an entry durably, with its reason, and keeps it over a crash", async () => {
      const underTest = await storeFor(make);
      const event = command("x_1", { data: new Uint8Array([1, 2, 3]) });
      await accept(underTest.store, "a", event);
      await accept(underTest.store, "a", command("x_1"));
      const { lease } = await hold(underTest.store, "a");
      const { bytes } = (await underTest.store.stats("a")) ?? {};
      await lease.deadLetter(1, REASON);
      await lease.deadLetter(1, { ...REASON, code: "expired" });
      await lease.deadLetter(77, REASON);
      const store = await underTest.crash();
      const letters = await store.deadLetters("a", { limit: 10 });
      expect(letters).toMatchObject([{ version: 1, event: { ...event, eventid: "1" }, reason: REASON }]);
      expect(await pendingVersions(store, "a")).toEqual([2]);
      expect(await store.stats("a")).toMatchObject({
        peer: "a",
        pending: 1,
        deadLetters: 1,
        bytes,
        lastVersion: 2,
        everOpened: true,
      });
    });

    it("pages oldest first", async () => {
      const { store } = await storeFor(make);
      for (let i = 0; i < 12; i++) await accept(store, "a", command("x_1"));
      const { lease } = await hold(store, "a");
      for (let version = 12; version >= 1; version--) await lease.deadLetter(version, REASON);
      const versions = async (after: number | undefined, limit: number) => {
        const page = after === undefined ? { limit } : { after, limit };
        return (await store.deadLetters("a", page)).map((letter) => letter.version);
      };
      expect(await versions(undefined, 5)).toEqual([1, 2, 3, 4, 5]);
      expect(await versions(5, 5)).toEqual([6, 7, 8, 9, 10]);
      expect(await versions(10, 5)).toEqual([11, 12]);
    });

    it("requeues with a new version and the same id, in one step", async () => {
      const { store } = await storeFor(make);
      const event = command("x_1");
      await accept(store, "a", event);
      const holder = await hold(store, "a");
      await holder.lease.deadLetter(1, REASON);
      expect(await store.requeue("a", 1)).toEqual({ ok: true, version: 2, duplicate: false });
      await vi.waitFor(() => expect(holder.events).toHaveLength(1));
      expect(holder.events[0]).toMatchObject({ version: 2, event: { ...event, eventid: "2" } });
      expect(await store.deadLetters("a", { limit: 10 })).toEqual([]);
      expect(await store.stats("a")).toMatchObject({ pending: 1, deadLetters: 0, lastVersion: 2 });
    });

    it("requeues what had expired without its time, and anything else with it", async () => {
      const { store } = await storeFor(make);
      const { expirytime = "", ...lasting } = command("x_1", { expirytime: "2020-01-01T00:00:00Z" });
      for (let i = 0; i < 2; i++) await accept(store, "a", { ...lasting, expirytime });
      const { lease } = await hold(store, "a");
      await lease.deadLetter(1, { ...REASON, code: "expired" });
      await lease.deadLetter(2, REASON);
      await store.requeue("a", 1);
      await store.requeue("a", 2);
      const entries = await lease.read(0, 10);
      expect(entries.map(({ event }) => event)).toEqual([
        { ...lasting, eventid: "3" },
        { ...lasting, expirytime, eventid: "4" },
      ]);
    });

    it("answers not_found for what is no dead letter", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", command("x_1"));
      expect(refusal(await store.requeue("a", 1)).code).toBe("not_found");
      expect(refusal(await store.requeue("nobody", 1)).code).toBe("not_found");
    });

    it("requeues into a full mailbox, as the room is its own", async () => {
      const { store } = await storeFor(make, { maxEntries: 1 });
      await accept(store, "a", command("x_1"));
      const { lease } = await hold(store, "a");
      await lease.deadLetter(1, REASON);
      expect((await store.requeue("a", 1)).ok).toBe(true);
    });

    it("does not take a resource back to an older state", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      const { lease } = await hold(store, "a");
      await lease.deadLetter(1, REASON);
      await accept(store, "a", spec("x_1"));
      expect(refusal(await store.requeue("a", 1)).reason).toBe("conflict");
      lease.acknowledge(2);
      await lease.close();
      expect(refusal(await store.requeue("a", 1)).reason).toBe("conflict");
      expect(await store.deadLetters("a", { limit: 10 })).toHaveLength(1);
    });

    it("does not bring a deleted resource back (once its delete was acknowledged, nothing newer was known)", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      const { lease } = await hold(store, "a");
      await lease.deadLetter(1, REASON);
      await accept(store, "a", deletion("x_1"));
      lease.acknowledge(2);
      await lease.close();
      expect(refusal(await store.requeue("a", 1)).reason).toBe("conflict");
      expect(await store.retained.get("a", "sent", "Thing/x")).toBeUndefined();
    });

    it("requeues the newest state, which is then the retained one", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      await accept(store, "a", command("x_1"));
      const { lease } = await hold(store, "a");
      await lease.deadLetter(1, REASON);
      expect(await store.requeue("a", 1)).toMatchObject({ ok: true, version: 3 });
      expect(await store.retained.get("a", "sent", "Thing/x")).toMatchObject({ version: 3, pending: true });
    });

    it("requeues a delete, which then supersedes the older state pending of its resource", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1", { subject: "Thing/other" }));
      await accept(store, "a", command("x_1"));
      await accept(store, "a", deletion("x_1"));
      const { lease } = await hold(store, "a");
      await lease.deadLetter(3, REASON);
      expect(await store.requeue("a", 3)).toMatchObject({ ok: true, version: 4 });
      expect(await pendingVersions(store, "a")).toEqual([2, 4]);
    });

    it("discards one durably, gives its room back, and says when there is none", async () => {
      const underTest = await storeFor(make, { maxEntries: 2 });
      await accept(underTest.store, "a", command("x_1"));
      await accept(underTest.store, "a", command("x_1"));
      const { lease, events } = await hold(underTest.store, "a");
      const [kept] = await lease.read(1, 1);
      await lease.deadLetter(1, REASON);
      expect(await underTest.store.discard("a", 1)).toBe(true);
      const store = await underTest.crash();
      expect(await store.deadLetters("a", { limit: 10 })).toEqual([]);
      expect(await store.stats("a")).toMatchObject({
        peer: "a",
        pending: 1,
        deadLetters: 0,
        bytes: kept?.bytes,
        lastVersion: 2,
        everOpened: true,
      });
      expect(await store.discard("a", 1)).toBe(false);
      expect(await store.discard("a", 2)).toBe(false);
      expect(await store.discard("nobody", 1)).toBe(false);
      expect(refusal(await store.requeue("a", 1)).code).toBe("not_found");
      // Versions are not given twice, and the holder hears nothing.
      expect(await accept(store, "a", command("x_1"))).toBe(3);
      expect(events).toEqual([]);
    });

    it("discards once when two ask at once, and not what was sent again just before", async () => {
      const { store } = await storeFor(make);
      for (let i = 0; i < 2; i++) await accept(store, "a", command("x_1"));
      const { lease } = await hold(store, "a");
      for (const version of [1, 2]) await lease.deadLetter(version, REASON);
      expect(await Promise.all([store.discard("a", 1), store.discard("a", 1)])).toEqual([true, false]);
      const both = await Promise.all([store.requeue("a", 2), store.discard("a", 2)]);
      expect(both).toMatchObject([{ ok: true, version: 3 }, false]);
      expect(await store.stats("a")).toMatchObject({ pending: 1, deadLetters: 0 });
    });

    it("retains a discarded state and says that it was refused, over a restart", async () => {
      const underTest = await storeFor(make);
      const refused = spec("x_1");
      await accept(underTest.store, "a", refused);
      const { lease } = await hold(underTest.store, "a");
      await lease.deadLetter(1, REASON);
      const sent = { subject: "Thing/x", version: 1, event: { ...refused, eventid: "1" }, pending: false };
      const read = async () => underTest.store.retained.get("a", "sent", "Thing/x");
      expect(await read()).toEqual({ ...sent, refusal: "dead_letter" });
      await underTest.store.discard("a", 1);
      expect(await read()).toEqual({ ...sent, refusal: "discarded" });
      const store = await underTest.restart();
      expect(await store.retained.list("a", "sent", { limit: 1 })).toEqual([
        { ...sent, refusal: "discarded" },
      ]);
      await store.append([{ peer: "a", event: spec("x_1"), expectedVersion: 1 }]);
      expect(await store.retained.get("a", "sent", "Thing/x")).toMatchObject({
        version: 2,
        pending: true,
        refusal: undefined,
      });
    });

    it("leaves newer state alone when an older one of it is discarded", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      const { lease } = await hold(store, "a");
      await lease.deadLetter(1, REASON);
      await accept(store, "a", spec("x_1"));
      await store.discard("a", 1);
      expect(await store.retained.get("a", "sent", "Thing/x")).toMatchObject({
        version: 2,
        pending: true,
        refusal: undefined,
      });
    });

    it("sends a discarded state to a peer that begins anew", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      const { lease } = await hold(store, "a");
      await lease.deadLetter(1, REASON);
      await store.discard("a", 1);
      expect(await pendingVersions(store, "a")).toEqual([]);
      expect(await pendingVersions(store, "a", "another-store")).toEqual([1]);
      expect(await store.retained.get("a", "sent", "Thing/x")).toMatchObject({
        pending: true,
        refusal: undefined,
      });
      expect(await store.stats("a")).toMatchObject({ pending: 1, deadLetters: 0 });
    });

    it("gives a resource up with the dead letter of its delete, but not a new one under its name", async () => {
      const { store } = await storeFor(make);
      for (const event of [spec("x_1"), deletion("x_1")]) await accept(store, "a", event);
      const { lease } = await hold(store, "a");
      await lease.deadLetter(2, REASON);
      await store.discard("a", 2);
      expect(await store.retained.get("a", "sent", "Thing/x")).toBeUndefined();
      for (const event of [spec("x_1"), deletion("x_1")]) await accept(store, "a", event);
      await lease.deadLetter(4, REASON);
      await accept(store, "a", spec("x_2"));
      await store.discard("a", 4);
      expect(await store.retained.get("a", "sent", "Thing/x")).toMatchObject({ version: 5 });
    });
  });
}
