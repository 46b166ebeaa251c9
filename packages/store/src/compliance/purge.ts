import { describe, expect, it } from "vitest";
import type { Store } from "../contract/store.js";
import {
  accept,
  acknowledgeAll,
  command,
  deletion,
  hold,
  pendingVersions,
  received,
  record,
  spec,
  status,
  storeFor,
  type MakeStore,
} from "./harness.js";

const REASON = { code: "handler_rejected", message: "no", at: 1 };
const sent = (store: Store, subject: string) => store.retained.get("a", "sent", subject);

export function purgeCompliance(make: MakeStore): void {
  describe("purge", () => {
    it("throws away all that is pending, durably, gives its room back, and leaves others alone", async () => {
      const underTest = await storeFor(make, { maxEntries: 4 });
      await accept(underTest.store, "b", command("x_1"));
      for (const event of [spec("x_1"), command("x_1"), command("y_1"), deletion("z_1")])
        await accept(underTest.store, "a", event);
      expect(await underTest.store.purge("a")).toEqual({ purged: 4, inFlight: 0, left: 0 });
      expect(await underTest.store.stats("a")).toMatchObject({ pending: 0, bytes: 0, lastVersion: 4 });
      const store = await underTest.crash();
      expect(await store.stats("a")).toMatchObject({ pending: 0, bytes: 0, lastVersion: 4 });
      expect(await pendingVersions(store, "a")).toEqual([]);
      expect(await pendingVersions(store, "b")).toEqual([1]);
      for (let n = 0; n < 4; n += 1) await accept(store, "a", command("x_1"));
      expect(await pendingVersions(store, "a")).toEqual([5, 6, 7, 8]);
    });

    it("says so where nothing is pending, and makes no mailbox", async () => {
      const { store } = await storeFor(make);
      const nothing = { purged: 0, inFlight: 0, left: 0 };
      expect(await store.purge("a")).toEqual(nothing);
      expect(await store.purge("a", { subject: "Thing/x" })).toEqual(nothing);
      expect(await store.stats("a")).toBeUndefined();
      await accept(store, "a", command("x_1"));
      await acknowledgeAll(store, "a");
      expect(await store.purge("a")).toEqual(nothing);
    });

    it("of a resource takes what has its subject and what is about any of its uids, and nothing else", async () => {
      const { store } = await storeFor(make);
      const gone = [command("x_1"), deletion("x_1"), spec("x_2"), command("x_2"), command("o_1")];
      const asked = { subject: "Thing/x" };
      await accept(store, "a", command("x_1"));
      await accept(store, "a", spec("y_1"));
      for (const event of gone)
        await accept(store, "a", event.resourceid === "o_1" ? { ...event, ...asked } : event);
      await accept(store, "a", command("x_3"));
      await accept(store, "a", { ...spec("x_4"), subject: "Other/x" });
      expect(await store.purge("a", asked)).toEqual({ purged: 6, inFlight: 0, left: 3 });
      expect(await pendingVersions(store, "a")).toEqual([2, 8, 9]);
    });

    it("knows a resource of which nothing but commands is pending by its retained state", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      await acknowledgeAll(store, "a");
      const keep = received(status("y_1"), 7);
      await record(store, "a", [{ resourceid: "y_1", version: 7, retain: { keep } }]);
      for (const resource of ["x_1", "y_1", "z_1"]) await accept(store, "a", command(resource));
      expect(await store.purge("a", { subject: "Thing/x" })).toMatchObject({ purged: 1, left: 2 });
      expect(await store.purge("a", { subject: "Thing/y" })).toMatchObject({ purged: 1, left: 1 });
    });

    it("retains a purged state and says that it was purged, over a restart, until there is a newer one", async () => {
      const underTest = await storeFor(make);
      const wanted = spec("x_1");
      await accept(underTest.store, "a", wanted);
      await underTest.store.purge("a");
      const marked = {
        subject: "Thing/x",
        version: 1,
        event: { ...wanted, eventid: "1" },
        pending: false,
        refusal: "purged",
      };
      expect(await sent(underTest.store, "Thing/x")).toEqual(marked);
      const store = await underTest.restart();
      expect(await store.retained.list("a", "sent", { limit: 1 })).toEqual([marked]);
      await store.append([{ peer: "a", event: spec("x_1"), expectedVersion: 1 }]);
      expect(await sent(store, "Thing/x")).toMatchObject({ version: 2, pending: true, refusal: undefined });
    });

    it("never looks as if it had been delivered, whenever somebody reads it", async () => {
      const { store } = await storeFor(make);
      for (let round = 1; round <= 40; round += 1) {
        await accept(store, "a", spec(`x${round}_1`));
        const seen: (string | undefined)[] = [];
        const read = async (delay: number): Promise<void> => {
          for (let turn = 0; turn < delay; turn += 1) await Promise.resolve();
          const state = await sent(store, `Thing/x${round}`);
          seen.push(state?.pending === true ? "pending" : state?.refusal);
        };
        const reads = Array.from({ length: 60 }, (_, delay) => read(delay));
        await Promise.all([store.purge("a", { subject: `Thing/x${round}` }), ...reads]);
        expect(seen).not.toContain(undefined);
        expect(await sent(store, `Thing/x${round}`)).toMatchObject({ pending: false, refusal: "purged" });
      }
    });

    it("leaves alone what was acknowledged, also what is not written of that yet", async () => {
      const { store } = await storeFor(make);
      for (const resource of ["x_1", "y_1"]) await accept(store, "a", spec(resource));
      const { lease } = await hold(store, "a");
      lease.acknowledge(1);
      expect(await store.purge("a")).toEqual({ purged: 1, inFlight: 0, left: 0 });
      expect(await sent(store, "Thing/x")).toMatchObject({ pending: false, refusal: undefined });
      expect(await sent(store, "Thing/y")).toMatchObject({ pending: false, refusal: "purged" });
    });

    it("leaves dead letters alone, which can be sent again", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      const { lease } = await hold(store, "a");
      await lease.deadLetter(1, REASON);
      expect(await store.purge("a")).toEqual({ purged: 0, inFlight: 0, left: 0 });
      expect(await sent(store, "Thing/x")).toMatchObject({ refusal: "dead_letter" });
      expect(await store.requeue("a", 1)).toMatchObject({ ok: true, version: 2 });
    });

    it("gives a resource up with its delete, but not a new one under its name", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      await acknowledgeAll(store, "a");
      const keep = received(status("x_1"), 7);
      await record(store, "a", [{ resourceid: "x_1", version: 7, retain: { keep } }]);
      await accept(store, "a", deletion("x_1"));
      await store.purge("a");
      expect(await sent(store, "Thing/x")).toBeUndefined();
      expect(await store.retained.get("a", "received", "Thing/x")).toBeUndefined();
      for (const event of [deletion("x_2"), spec("x_3")]) await accept(store, "a", event);
      await store.purge("a");
      expect(await sent(store, "Thing/x")).toMatchObject({ version: 4, refusal: "purged" });
    });

    it("tells the holder what is gone, in order, and counts what that had sent", async () => {
      const { store } = await storeFor(make);
      const holder = await hold(store, "a");
      for (const resource of ["x_1", "y_1", "x_1"]) await accept(store, "a", command(resource));
      holder.sent.add(1);
      expect(await store.purge("a")).toEqual({ purged: 3, inFlight: 1, left: 0 });
      expect(holder.gone).toEqual([
        { version: 1, resourceid: "x_1" },
        { version: 2, resourceid: "y_1" },
        { version: 3, resourceid: "x_1" },
      ]);
      expect(holder.losses).toEqual([]);
      expect(await holder.lease.read(0, 10)).toEqual([]);
    });

    it("makes late answers harmless", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      await accept(store, "a", command("x_1"));
      const { lease } = await hold(store, "a");
      await lease.read(0, 10);
      await store.purge("a");
      lease.acknowledge(1);
      expect(await lease.deadLetter(2, REASON)).toBe(false);
      await lease.close();
      expect(await store.stats("a")).toMatchObject({ pending: 0, deadLetters: 0, bytes: 0 });
      expect(await sent(store, "Thing/x")).toMatchObject({ version: 1, refusal: "purged" });
    });

    it("remembers the idempotency keys of what it threw away", async () => {
      const { store } = await storeFor(make);
      const append = { peer: "a", event: command("x_1"), idempotencyKey: "k" };
      await store.append([append]);
      await store.purge("a");
      expect(await store.append([append])).toEqual([{ ok: true, version: 1, duplicate: true }]);
      expect(await store.stats("a")).toMatchObject({ pending: 0 });
    });

    it("tells a purged state to a peer that begins anew", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      await (await hold(store, "a")).lease.close();
      await store.purge("a");
      expect(await pendingVersions(store, "a")).toEqual([]);
      expect(await pendingVersions(store, "a", "another-store")).toEqual([1]);
      expect(await sent(store, "Thing/x")).toMatchObject({ pending: true, refusal: undefined });
    });

    it("purges a mailbox longer than one commit takes, and nothing of what comes meanwhile", async () => {
      const { store } = await storeFor(make);
      await store.append(
        Array.from({ length: 2_500 }, (_, n) => ({ peer: "a", event: command(`x${n % 7}_1`) })),
      );
      const holder = await hold(store, "a");
      for (let version = 1; version <= 1_200; version += 1) holder.lease.acknowledge(version);
      const purging = store.purge("a");
      const late = await store.append(
        Array.from({ length: 3 }, () => ({ peer: "a", event: command("x1_1") })),
      );
      expect(late.every(({ ok }) => ok)).toBe(true);
      expect(await purging).toMatchObject({ purged: 1_300, inFlight: 0 });
      expect(holder.gone).toHaveLength(1_300);
      expect(await pendingVersions(store, "a")).toEqual([2_501, 2_502, 2_503]);
      expect(await store.stats("a")).toMatchObject({ pending: 3 });
    });

    it("counts each event once where two purge at once", async () => {
      const { store } = await storeFor(make);
      await store.append(Array.from({ length: 2_500 }, () => ({ peer: "a", event: command("x_1") })));
      const both = await Promise.all([store.purge("a"), store.purge("a", { subject: "Thing/x" })]);
      // Nothing says that these commands are about Thing/x.
      expect(both.map(({ purged }) => purged)).toEqual([2_500, 0]);
      await store.append(Array.from({ length: 2_500 }, () => ({ peer: "a", event: command("x_1") })));
      const [one, other] = await Promise.all([store.purge("a"), store.purge("a")]);
      expect(one.purged + other.purged).toBe(2_500);
    });

    it("is refused while the peer is being removed, and touches no mailbox made after that", async () => {
      const { store } = await storeFor(make);
      await store.append(Array.from({ length: 2_500 }, () => ({ peer: "a", event: command("x_1") })));
      const purging = store.purge("a");
      const removing = store.remove("a");
      await expect(purging).rejects.toMatchObject({
        code: "store_unavailable",
        message: expect.stringContaining("events were purged before"),
      });
      await removing;
      await accept(store, "a", command("x_1"));
      expect(await store.stats("a")).toMatchObject({ pending: 1 });
    });
  });
}
