import { describe, expect, it } from "vitest";
import type { Store } from "../store.js";
import { accept, command, hold, spec, storeFor, type MakeStore } from "./harness.js";

const callbacks = { event: () => {}, lost: () => {}, purged: () => 0 };

/** Whatever `standing` says has to be on disk, so it is looked at after a crash. */
export function standingCompliance(make: MakeStore): void {
  describe("what two stores know of each other", () => {
    it("is nothing before they have met", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", command("x_1"));
      await store.inbox.record("b", [{ resourceid: "x_1", version: 3 }]);
      expect(store.standing("a")).toBeUndefined();
      expect(store.standing("b")).toBeUndefined();
      expect(store.standing("nobody")).toBeUndefined();
    });

    it("is of the peer: its name, its session, its highest version, and how many of ours it recorded", async () => {
      const underTest = await storeFor(make);
      const { store } = underTest;
      await accept(store, "a", command("x_1"));
      const { lease } = await hold(store, "a", "first");
      store.inbox.joined("a", 4);
      await store.inbox.record("a", [
        { resourceid: "x_1", version: 7 },
        { resourceid: "y_1", version: 9 },
        { resourceid: "z_1", version: 8 },
      ]);
      lease.peerRecorded(12);
      lease.acknowledge(1);
      await lease.close();
      const peer = { store: "first", epoch: 4, version: 9, recorded: 12 };
      expect(store.standing("a")?.peer).toEqual(peer);
      await underTest.restart();
      expect((await underTest.crash()).standing("a")?.peer).toEqual(peer);
    });

    it("is of the peer: also the version up to which it said that everything is settled", async () => {
      const underTest = await storeFor(make);
      const { store } = underTest;
      const { lease } = await hold(store, "a", "first");
      await store.inbox.record("a", [{ resourceid: "x_1", version: 7 }]);
      // The eighth was given up before it was sent: a copy that has seven would give it out again, to somebody for whom it is stale.
      store.inbox.settle("a", 8);
      await lease.close();
      expect(store.standing("a")?.peer.version).toBe(8);
      expect((await underTest.restart()).standing("a")?.peer.version).toBe(8);
    });

    it("is of this side: its session, what it gave out, and how much it recorded", async () => {
      const underTest = await storeFor(make);
      await hold(underTest.store, "a", "first");
      await accept(underTest.store, "a", command("x_1"));
      await underTest.store.inbox.record("a", [{ resourceid: "x_1", version: 7 }]);
      await underTest.store.inbox.record("a", [{ resourceid: "x_1", version: 7 }]);
      expect(underTest.store.inbox.recorded("a")).toBe(2);
      const store = await underTest.crash();
      expect(store.standing("a")?.own).toEqual({ epoch: 1, version: 1, recorded: 2 });
      expect(store.inbox.recorded("a")).toBe(2);
    });

    it("takes the epoch of a session from the peer where the peer gives it", async () => {
      const underTest = await storeFor(make);
      await underTest.store.open("a", "test", { peerStore: "first", epoch: 41 }, callbacks);
      const store = await underTest.crash();
      expect(store.standing("a")).toMatchObject({ own: { epoch: 41 }, peer: { epoch: 41 } });
      // A lower one is for the peer to explain; it is what was agreed on last.
      await store.open("a", "test", { peerStore: "first", epoch: 40 }, callbacks);
      expect(store.standing("a")).toMatchObject({ own: { epoch: 40 }, peer: { epoch: 40 } });
    });

    it("knows which versions the peer cannot have been told", async () => {
      const underTest = await storeFor(make);
      const told = async (store: Store): Promise<number | undefined> => store.standing("a")?.own.version;
      const { lease } = await hold(underTest.store, "a", "first");
      await accept(underTest.store, "a", command("x_1"));
      await accept(underTest.store, "a", command("x_1"));
      expect(await told(underTest.store)).toBe(2);
      await lease.close();
      await accept(underTest.store, "a", spec("y_1"));
      await accept(underTest.store, "a", command("x_1"));
      expect(await told(underTest.store)).toBe(2);
      const store = await underTest.crash();
      expect(await told(store)).toBe(2);
      await accept(store, "a", command("x_1"));
      expect(await told(store)).toBe(2);
      // In one commit with an event: whoever holds the mailbox may tell it at once.
      const opening = hold(store, "a", "first");
      const accepting = accept(store, "a", command("x_1"));
      const [again] = await Promise.all([opening, accepting]);
      expect(await told(store)).toBe(6);
      await again.lease.deadLetter(2, { code: "expired", message: "", at: 1 });
      await again.lease.close();
      expect(await store.requeue("a", 2)).toMatchObject({ ok: true, version: 7 });
      expect(await told(store)).toBe(6);
    });

    it("counts what a holder was told that was taken over or has died", async () => {
      const underTest = await storeFor(make);
      const first = await hold(underTest.store, "a", "first");
      await accept(underTest.store, "a", command("x_1"));
      await hold(underTest.store, "a", "first");
      await first.lease.close();
      await accept(underTest.store, "a", command("x_1"));
      expect(underTest.store.standing("a")?.own.version).toBe(2);
      const store = await underTest.crash();
      expect(store.standing("a")?.own.version).toBe(2);
      await accept(store, "a", command("x_1"));
      expect(store.standing("a")?.own.version).toBe(2);
    });

    it("knows of a version from the moment its handler begins", async () => {
      const underTest = await storeFor(make);
      await hold(underTest.store, "a", "first");
      await underTest.store.inbox.begin("a", [{ resourceid: "x_1", version: 7, attempt: 1 }]);
      await underTest.store.inbox.begin("a", [{ resourceid: "y_1", version: 5, attempt: 1 }]);
      expect((await underTest.restart()).standing("a")?.peer.version).toBe(7);
    });

    it("begins anew with another store of the peer, but for the count of what was recorded", async () => {
      const underTest = await storeFor(make);
      const { store } = underTest;
      const { lease } = await hold(store, "a", "first");
      await accept(store, "a", command("x_1"));
      store.inbox.joined("a", 4);
      await store.inbox.record("a", [{ resourceid: "x_1", version: 7 }]);
      lease.peerRecorded(12);
      lease.acknowledge(1);
      await hold(store, "a", "second");
      const expected = {
        peer: { store: "second", epoch: 0, version: 0, recorded: 0 },
        own: { epoch: 2, version: 1, recorded: 1 },
      };
      expect(store.standing("a")).toEqual(expected);
      expect((await underTest.crash()).standing("a")).toEqual(expected);
    });

    it("takes nothing in of a store the peer has not any more", async () => {
      const underTest = await storeFor(make);
      const { store } = underTest;
      await hold(store, "a", "second");
      const late = { resourceid: "x_1", version: 7, peerStore: "first" };
      await store.inbox.begin("a", [{ ...late, attempt: 1 }]);
      await store.inbox.record("a", [late]);
      await store.inbox.record("a", [{ resourceid: "y_1", version: 2, peerStore: "second" }]);
      expect(store.standing("a")?.peer.version).toBe(2);
      const state = await store.inbox.load("a");
      expect(state.applied).toEqual(new Map([["y_1", 2]]));
      expect(state.begun).toEqual(new Map());
    });

    it("is not written before the acknowledgement it came with", async () => {
      const underTest = await storeFor(make);
      const { lease } = await hold(underTest.store, "a", "first");
      lease.peerRecorded(12);
      await accept(underTest.store, "a", command("x_1"));
      const store = await underTest.crash();
      expect(store.standing("a")?.peer.recorded).toBe(0);
      const again = await hold(store, "a", "first");
      await again.lease.close();
      again.lease.peerRecorded(12);
      again.lease.acknowledge(1);
      await accept(store, "a", command("x_1"));
      expect(store.standing("a")?.peer.recorded).toBe(0);
    });
  });
}
