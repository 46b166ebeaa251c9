import { describe, expect, it } from "vitest";
import type { Store } from "../contract/store.js";
import {
  accept,
  command,
  deletion,
  hold,
  inboxOf,
  pendingVersions,
  received,
  record,
  refusal,
  spec,
  status,
  storeFor,
  type MakeStore,
} from "./harness.js";

export function removeCompliance(make: MakeStore): void {
  describe("remove", () => {
    it("leaves nothing of a peer, gives its room back, and leaves others alone", async () => {
      const { store, restart } = await storeFor(make, { maxPeers: 2 });
      await accept(store, "b", command("x_1"));
      for (const event of [spec("x_1"), command("x_1"), deletion("y_1"), status("z_1")])
        await accept(store, "a", event);
      const { lease, losses } = await hold(store, "a");
      await lease.deadLetter(2, { code: "handler_rejected", message: "no", at: 1 });
      const keep = received(status("x_1"), 7);
      await lease.record([{ resourceid: "x_1", version: 7, retain: { keep } }]);
      expect(await store.remove("a")).toBe("removed");
      expect(losses).toEqual(["superseded"]);
      const expectGone = async (present: Store): Promise<void> => {
        expect(await present.stats("a")).toBeUndefined();
        expect(await present.deadLetters("a", { limit: 10 })).toEqual([]);
        expect(await present.retained.list("a", "sent", { limit: 10 })).toEqual([]);
        expect(await present.retained.list("a", "received", { limit: 10 })).toEqual([]);
        expect((await present.peers({ limit: 10 })).map(({ peer }) => peer)).toEqual(["b"]);
      };
      await expectGone(store);
      const restarted = await restart();
      await expectGone(restarted);
      expect((await inboxOf(restarted, "a")).applied.size).toBe(0);
      expect(await pendingVersions(restarted, "b")).toEqual([1]);
    });

    it("says so where there is nothing", async () => {
      const { store } = await storeFor(make);
      expect(await store.remove("a")).toBe("none");
      expect(await store.remove("a", { ifNothingPending: true })).toBe("none");
    });

    it("leaves everything where an event is pending, if asked to, also one accepted in the same turn", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      const { lease, losses } = await hold(store, "a");
      const ifNothingPending = true;
      expect(await store.remove("a", { ifNothingPending })).toBe("pending");
      lease.acknowledge(1);
      await lease.deadLetter(1, { code: "handler_rejected", message: "no", at: 1 });
      const appended = store.append([{ peer: "a", event: command("x_1") }]);
      expect(await store.remove("a", { ifNothingPending })).toBe("pending");
      expect((await appended)[0]).toMatchObject({ ok: true, version: 2 });
      expect(losses).toEqual([]);
      expect(await store.stats("a")).toMatchObject({ pending: 1 });
      expect(await store.retained.get("a", "sent", "Thing/x")).toMatchObject({ version: 1 });
      lease.acknowledge(2);
      expect(await store.remove("a", { ifNothingPending })).toBe("removed");
      expect(await store.stats("a")).toBeUndefined();
    });

    it("removes a mailbox longer than one commit takes", async () => {
      const { store } = await storeFor(make);
      const batch = Array.from({ length: 2_500 }, (_, n) => ({
        peer: "a",
        event: command(`x${n}_1`),
        idempotencyKey: String(n),
      }));
      await store.append(batch);
      expect(await store.remove("a")).toBe("removed");
      expect(await store.stats("a")).toBeUndefined();
      expect(await accept(store, "a", command("x_1"))).toBeGreaterThan(2_500);
      const [again] = await store.append([{ peer: "a", event: command("x_1"), idempotencyKey: "7" }]);
      expect(again).toMatchObject({ ok: true, duplicate: false });
    });

    it("ends, and refuses for the time being what comes meanwhile (states of a mailbox that went away went out twice)", async () => {
      const { store } = await storeFor(make);
      await store.append(Array.from({ length: 1_500 }, (_, n) => ({ peer: "a", event: spec(`x${n}_1`) })));
      const { lease, losses } = await hold(store, "a");
      const removing = store.remove("a");
      const unavailable = { reason: "unavailable", code: "store_unavailable" };
      const busy = { code: "store_unavailable", message: expect.stringContaining("is being removed") };
      const version = { resourceid: "y_1", version: 9 };
      const late = Promise.all([
        store.append([{ peer: "a", event: spec("x0_1") }]),
        store.append([{ peer: "a", event: command("x0_1") }]),
        expect(lease.begin([{ ...version, attempt: 1 }])).rejects.toMatchObject(busy),
        expect(lease.record([version])).rejects.toMatchObject(busy),
        expect(store.requeue("a", 1).then(refusal)).resolves.toEqual(unavailable),
      ]);
      await expect(hold(store, "a")).rejects.toMatchObject(busy);
      const [state, plain] = await late;
      for (const [answer] of [state, plain]) expect(refusal(answer)).toEqual(unavailable);
      expect(await removing).toBe("removed");
      expect(losses).toEqual(["superseded"]);
      expect(await store.stats("a")).toBeUndefined();
      expect(await accept(store, "a", spec("x0_1"))).toBeGreaterThan(1_500);
      expect(await store.stats("a")).toMatchObject({ pending: 1, deadLetters: 0 });
    });

    it("leaves alone what comes after it, however many ask for it at once", async () => {
      const { store } = await storeFor(make);
      await store.append(Array.from({ length: 1_500 }, () => ({ peer: "a", event: command("x_1") })));
      const first = store.remove("a");
      let accepted = 0;
      // What waits for "b" comes behind the step of the first removal and before the step of the second.
      const publishing = (async () => {
        while (accepted === 0) {
          void store.append([{ peer: "a", event: command("x_1") }]).then(([answer]) => {
            if (answer?.ok === true) accepted += 1;
          });
          await store.append([{ peer: "b", event: command("x_1") }]);
        }
      })();
      const second = store.remove("a");
      expect(await Promise.all([first, second, publishing])).toEqual(["removed", "removed", undefined]);
      expect(await store.stats("a")).toMatchObject({ pending: accepted });
    });

    it("removes also where acknowledgements of the same commit leave a page without rows", async () => {
      const { store } = await storeFor(make);
      const { lease } = await hold(store, "a");
      await store.append(Array.from({ length: 2_500 }, () => ({ peer: "a", event: command("x_1") })));
      for (let version = 1; version <= 1_200; version += 1) lease.acknowledge(version);
      expect(await store.remove("a")).toBe("removed");
      await accept(store, "a", command("x_1"));
      expect(await pendingVersions(store, "a")).toHaveLength(1);
    });

    it("removes an inbox longer than one commit takes", async () => {
      const { store } = await storeFor(make);
      const rows = Array.from({ length: 1_500 }, (_, n) => ({ resourceid: `x${n}_1`, version: n + 1 }));
      await record(store, "a", rows);
      expect(await store.remove("a")).toBe("removed");
      expect(await store.stats("a")).toBeUndefined();
      expect(await store.remove("a")).toBe("none");
      expect((await inboxOf(store, "a")).applied.size).toBe(0);
    });

    it("keeps nothing of what a handler or a session of before says afterwards (the next agent of the name was taken for a rolled-back store)", async () => {
      const { store } = await storeFor(make);
      const peerStore = "first";
      const begun = { resourceid: "x_1", version: 58, attempt: 1, peerStore };
      const recorded = { resourceid: "x_1", version: 58, peerStore };
      const old = await hold(store, "a", peerStore);
      await old.lease.record([recorded]);
      await store.remove("a");
      const superseded = { code: "superseded" };
      const sayAll = async (): Promise<void> => {
        await expect(old.lease.begin([begun])).rejects.toMatchObject(superseded);
        const retain = { keep: received(status("x_1"), 58) };
        await expect(old.lease.record([{ ...recorded, retain }])).rejects.toMatchObject(superseded);
        old.lease.settle(50);
        old.lease.joined();
        old.lease.acknowledge(1, 58);
      };
      await sayAll();
      expect(await store.standing("a")).toBeUndefined();
      expect(await store.remove("a")).toBe("none");
      // Somebody publishes to the name before the next agent comes.
      await accept(store, "a", command("x_1"));
      await sayAll();
      const next = await hold(store, "a", "second");
      expect(next.lease.continues).toBe(false);
      await sayAll();
      await next.lease.flush();
      expect((await store.standing("a"))?.peer).toEqual({
        store: "second",
        epoch: 0,
        version: 0,
        recorded: 0,
      });
      // Nor where it comes back with the same store.
      const back = await hold(store, "a", peerStore);
      await sayAll();
      const empty = { settled: 0, applied: new Map(), begun: new Map() };
      for (const { lease } of [next, back]) expect(lease.inbox).toEqual(empty);
      expect(await inboxOf(store, "a", peerStore)).toEqual(empty);
      expect(await store.retained.list("a", "received", { limit: 10 })).toEqual([]);
    });

    it("gives no version and no epoch again that the peer may know, over restarts", async () => {
      const underTest = await storeFor(make);
      for (let n = 0; n < 5; n += 1) await accept(underTest.store, "a", command("x_1"));
      const { lease } = await hold(underTest.store, "a");
      await lease.close();
      const again = await hold(underTest.store, "a");
      await again.lease.record([{ resourceid: "x_1", version: 1 }]);
      await underTest.store.remove("a");
      const present = await underTest.restart();
      // What the peer can claim of it is no proof of a rollback.
      expect(await present.standing("a")).toBeUndefined();
      expect(await accept(present, "a", command("x_1"))).toBeGreaterThan(5);
      const back = await hold(present, "a");
      expect(back.found.standing).toBeUndefined();
      expect(back.found.forgotten.version).toBeGreaterThanOrEqual(5);
      expect(back.found.forgotten.epoch).toBeGreaterThanOrEqual(again.lease.epoch);
      expect(back.found.forgotten.recorded).toBeGreaterThanOrEqual(1);
      expect(back.lease.epoch).toBeGreaterThan(again.lease.epoch);
      expect(back.lease.standing.own.recorded).toBeGreaterThanOrEqual(1);
      expect(await pendingVersions(present, "a")).toHaveLength(1);
    });
  });

  describe("a mailbox that was only opened", () => {
    it("is gone once it is given up, so that mere names take no room", async () => {
      const { store, restart } = await storeFor(make, { maxPeers: 2 });
      let epoch = 0;
      for (const name of ["a", "b", "c", "d", "a"]) {
        const { lease } = await hold(store, name);
        if (name === "a") {
          expect(lease.epoch).toBeGreaterThan(epoch);
          ({ epoch } = lease);
        }
        lease.settle(7);
        lease.joined();
        await lease.close();
        expect(await store.stats(name)).toBeUndefined();
      }
      const present = await restart();
      expect((await hold(present, "a")).lease.epoch).toBeGreaterThan(epoch);
    });

    it("leaves the number of the session, where the peer counts them (an agent that had nothing was taken for a rolled-back store)", async () => {
      const { store, restart } = await storeFor(make);
      const { lease } = await hold(store, "a", "first", { epoch: 41 });
      await lease.close();
      expect(await store.standing("a")).toBeUndefined();
      expect((await hold(store, "b")).found.forgotten.epoch).toBeGreaterThanOrEqual(41);
      expect((await hold(await restart(), "b")).found.forgotten.epoch).toBeGreaterThanOrEqual(41);
    });

    it("is gone after the next start, where the process ended before that", async () => {
      const { store, restart } = await storeFor(make, { maxPeers: 2 });
      await hold(store, "a");
      await hold(store, "b");
      const present = await restart();
      expect((await hold(present, "c")).lease.epoch).toBeGreaterThan(0);
      expect((await present.peers({ limit: 10 })).map(({ peer }) => peer)).toEqual(["c"]);
    });

    it("is gone in time for as many others as there may be", async () => {
      const maxPeers = 600;
      const underTest = await storeFor(make, { maxPeers });
      const names = Array.from({ length: maxPeers }, (_, n) => `n${n}`);
      await Promise.all(names.map((name) => hold(underTest.store, name)));
      const present = await underTest.crash();
      await Promise.all(names.map((name) => hold(present, `other-${name}`)));
      expect((await present.peers({ limit: 1_000 })).every(({ peer }) => peer.startsWith("other-"))).toBe(
        true,
      );
    });

    it("stays where its peer lost a store of which states are kept", async () => {
      const { store } = await storeFor(make);
      const first = await hold(store, "a", "first");
      const keep = received(status("x_1"), 7);
      await first.lease.record([{ resourceid: "x_1", version: 7, retain: { keep } }]);
      const { lease } = await hold(store, "a", "second");
      await lease.close();
      expect(await store.stats("a")).toBeDefined();
      expect(await store.retained.get("a", "received", "Thing/x")).toMatchObject({ version: 7 });
    });

    it("stays once anything was kept in it, or while a later holder has it", async () => {
      const { store } = await storeFor(make);
      const first = await hold(store, "a");
      await accept(store, "a", command("x_1"));
      first.lease.acknowledge(1);
      await first.lease.close();
      expect(await store.stats("a")).toMatchObject({ pending: 0, lastVersion: 1 });
      const heard = await hold(store, "b");
      await heard.lease.record([{ resourceid: "x_1", version: 1 }]);
      await heard.lease.close();
      expect(await store.stats("b")).toBeDefined();
      const old = await hold(store, "c");
      const newer = await hold(store, "c");
      await old.lease.close();
      expect(await store.stats("c")).toBeDefined();
      expect(await newer.lease.read(0, 1)).toEqual([]);
    });
  });
}
