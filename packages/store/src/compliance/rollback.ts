import { describe, expect, it } from "vitest";
import type { Store } from "../contract/store.js";
import { accept, command, DEAF, hold, HOLDER, inboxOf, spec, storeFor, type MakeStore } from "./harness.js";

/** Whatever `standing` says has to be on disk, so it is looked at after a crash. */
export function rollbackCompliance(make: MakeStore): void {
  describe("what two stores know of each other", () => {
    it("is nothing before they have met", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", command("x_1"));
      expect(await store.standing("a")).toBeUndefined();
      expect(await store.standing("nobody")).toBeUndefined();
      expect((await hold(store, "a")).found).toEqual({
        store: store.id,
        standing: undefined,
        forgotten: { epoch: 0, version: 0, recorded: 0 },
      });
    });

    it("is told to the claim as it is then, and to the holder as the claim leaves it", async () => {
      const { store } = await storeFor(make);
      const first = await hold(store, "a", "first");
      const own = { epoch: first.lease.epoch, version: 0, recorded: 0 };
      const peer = { store: "first", epoch: 0, version: 0, recorded: 0 };
      expect(first.lease.standing).toEqual({ own, peer });
      const late = [
        accept(store, "a", command("x_1")),
        first.lease.record([{ resourceid: "x_1", version: 7 }]),
      ];
      first.lease.joined();
      const second = await hold(store, "a", "second");
      await Promise.all(late);
      const reached = { epoch: first.lease.epoch, version: 7, recorded: 0 };
      expect(second.found.standing).toEqual({
        own: { ...own, version: 1, recorded: 1 },
        peer: { store: "first", ...reached },
      });
      expect(second.lease.standing).toEqual({
        own: { epoch: second.lease.epoch, version: 1, recorded: 1 },
        peer: { store: "second", epoch: 0, version: 0, recorded: 0 },
      });
      expect(await store.standing("a")).toEqual(second.lease.standing);
    });

    it("is of the peer: its name, its session, its highest version, and how many of ours it recorded", async () => {
      const underTest = await storeFor(make);
      const { store } = underTest;
      await accept(store, "a", command("x_1"));
      const { lease } = await hold(store, "a", "first");
      lease.joined();
      await lease.record([
        { resourceid: "x_1", version: 7 },
        { resourceid: "y_1", version: 9 },
        { resourceid: "z_1", version: 8 },
      ]);
      lease.acknowledge(1, 12);
      await lease.close();
      const peer = { store: "first", epoch: lease.epoch, version: 9, recorded: 12 };
      expect((await store.standing("a"))?.peer).toEqual(peer);
      await underTest.restart();
      expect((await (await underTest.crash()).standing("a"))?.peer).toEqual(peer);
    });

    it("is of the peer: also the version up to which it said that everything is settled", async () => {
      const underTest = await storeFor(make);
      const { store } = underTest;
      const { lease } = await hold(store, "a", "first");
      await lease.record([{ resourceid: "x_1", version: 7 }]);
      // The eighth was given up before it was sent: a copy that has seven would give it out again, to somebody for whom it is stale.
      lease.settle(8);
      await lease.close();
      expect((await store.standing("a"))?.peer.version).toBe(8);
      expect((await (await underTest.restart()).standing("a"))?.peer.version).toBe(8);
    });

    it("is of this side: its session, what it gave out, and how much it recorded", async () => {
      const underTest = await storeFor(make);
      const { lease } = await hold(underTest.store, "a", "first");
      await accept(underTest.store, "a", command("x_1"));
      await lease.record([{ resourceid: "x_1", version: 7 }]);
      await lease.record([{ resourceid: "x_1", version: 7 }]);
      const store = await underTest.crash();
      expect((await store.standing("a"))?.own).toEqual({ epoch: lease.epoch, version: 1, recorded: 2 });
    });

    it("takes the epoch of a session from the peer where the peer gives it", async () => {
      const underTest = await storeFor(make);
      await hold(underTest.store, "a", "first", { epoch: 41 });
      const store = await underTest.crash();
      expect(await store.standing("a")).toMatchObject({ own: { epoch: 41 }, peer: { epoch: 41 } });
      // A lower one is for the peer to explain; it is what was agreed on last.
      await hold(store, "a", "first", { epoch: 40 });
      expect(await store.standing("a")).toMatchObject({ own: { epoch: 40 }, peer: { epoch: 40 } });
    });

    it("knows which versions the peer cannot have been told", async () => {
      const underTest = await storeFor(make);
      const told = async (store: Store): Promise<number | undefined> =>
        (await store.standing("a"))?.own.version;
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
      expect((await underTest.store.standing("a"))?.own.version).toBe(2);
      const store = await underTest.crash();
      expect((await store.standing("a"))?.own.version).toBe(2);
      await accept(store, "a", command("x_1"));
      expect((await store.standing("a"))?.own.version).toBe(2);
    });

    it("knows of a version from the moment its handler begins", async () => {
      const underTest = await storeFor(make);
      const { lease } = await hold(underTest.store, "a", "first");
      await lease.begin([{ resourceid: "x_1", version: 7, attempt: 1 }]);
      await lease.begin([{ resourceid: "y_1", version: 5, attempt: 1 }]);
      expect((await (await underTest.restart()).standing("a"))?.peer.version).toBe(7);
    });

    it("begins anew with another store of the peer, but for the count of what was recorded", async () => {
      const underTest = await storeFor(make);
      const { store } = underTest;
      const { lease } = await hold(store, "a", "first");
      await accept(store, "a", command("x_1"));
      lease.joined();
      await lease.record([{ resourceid: "x_1", version: 7 }]);
      lease.acknowledge(1, 12);
      const second = await hold(store, "a", "second");
      const expected = {
        peer: { store: "second", epoch: 0, version: 0, recorded: 0 },
        own: { epoch: second.lease.epoch, version: 1, recorded: 1 },
      };
      expect(await store.standing("a")).toEqual(expected);
      expect(await (await underTest.crash()).standing("a")).toEqual(expected);
    });

    it("takes nothing in of a store the peer has not any more", async () => {
      const underTest = await storeFor(make);
      const { store } = underTest;
      const { lease } = await hold(store, "a", "second");
      const late = { resourceid: "x_1", version: 7, peerStore: "first" };
      await lease.begin([{ ...late, attempt: 1 }]);
      expect(await lease.record([late])).toMatchObject({ recorded: 0 });
      const present = { resourceid: "y_1", version: 2, peerStore: "second" };
      expect(await lease.record([present])).toMatchObject({ recorded: 1 });
      expect((await store.standing("a"))?.peer.version).toBe(2);
      const state = await inboxOf(store, "a", "second");
      expect(state.applied).toEqual(new Map([["y_1", 2]]));
      expect(state.begun).toEqual(new Map());
    });

    it("is not written of the peer without the acknowledgement it came with", async () => {
      const underTest = await storeFor(make);
      const { lease } = await hold(underTest.store, "a", "first");
      await accept(underTest.store, "a", command("x_1"));
      await lease.close();
      lease.acknowledge(1, 12);
      await accept(underTest.store, "a", command("x_1"));
      expect((await underTest.store.standing("a"))?.peer.recorded).toBe(0);
      const again = await hold(underTest.store, "a", "first");
      again.lease.acknowledge(1, 12);
      await again.lease.flush();
      expect(await underTest.store.standing("a")).toMatchObject({ peer: { recorded: 12 } });
      // What it says of fewer it has said before.
      again.lease.acknowledge(2, 11);
      const store = await underTest.restart();
      expect(await store.standing("a")).toMatchObject({ peer: { recorded: 12 } });
    });
  });

  describe("a claim that is refused", () => {
    it("rejects with what it threw and changes nothing", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      const held = await hold(store, "a", "first");
      held.lease.acknowledge(1);
      await held.lease.flush();
      const before = await store.standing("a");
      const refusal = new Error("not you");
      const refuse = (): never => {
        throw refusal;
      };
      await expect(store.open("a", HOLDER, refuse, DEAF)).rejects.toBe(refusal);
      await expect(store.open("b", HOLDER, refuse, DEAF)).rejects.toBe(refusal);
      expect(await store.standing("a")).toEqual(before);
      expect(await store.stats("b")).toBeUndefined();
      expect(await store.stats("a")).toMatchObject({ pending: 0, holder: { epoch: held.lease.epoch } });
      expect(held.losses).toEqual([]);
      await accept(store, "a", command("x_1"));
      expect(held.events).toHaveLength(1);
      expect((await hold(store, "a", "first")).lease.epoch).toBe(held.lease.epoch + 1);
    });

    it("leaves the others of its commit alone", async () => {
      const { store } = await storeFor(make);
      const refuse = (): never => {
        throw new Error("not you");
      };
      const [, other, version] = await Promise.all([
        expect(store.open("a", HOLDER, refuse, DEAF)).rejects.toThrow("not you"),
        hold(store, "b"),
        accept(store, "a", command("x_1")),
      ]);
      expect(version).toBe(1);
      expect(other.lease.epoch).toBeGreaterThan(0);
      expect((await hold(store, "a")).lease.epoch).toBeGreaterThan(0);
    });
  });
}
