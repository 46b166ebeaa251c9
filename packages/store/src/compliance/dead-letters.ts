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
      expect(await store.stats("a")).toEqual({
        peer: "a",
        pending: 1,
        deadLetters: 1,
        bytes,
        lastVersion: 2,
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
  });
}
