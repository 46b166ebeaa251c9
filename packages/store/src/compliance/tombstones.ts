import { describe, expect, it } from "vitest";
import type { Store } from "../contract/store.js";
import {
  accept,
  command,
  hold,
  pendingVersions,
  refusal,
  spec,
  storeFor,
  type MakeStore,
} from "./harness.js";

const tombstone = (at: number) => ({ tombstone: { at } });
const removed = { reason: "removed", code: "agent_removed" };

export function tombstoneCompliance(make: MakeStore): void {
  describe("tombstones", () => {
    it("refuse whoever comes back and what is appended, over a restart, until the peer is readmitted", async () => {
      const underTest = await storeFor(make);
      await accept(underTest.store, "a", spec("x_1"));
      await accept(underTest.store, "b", command("x_1"));
      const before = await hold(underTest.store, "a");
      expect(await underTest.store.remove("a", tombstone(1_700_000_000_000))).toBe("removed");
      expect(before.losses).toEqual(["superseded"]);
      const expectBuried = async (store: Store): Promise<void> => {
        expect(await store.tombstone("a")).toEqual({ peer: "a", at: 1_700_000_000_000 });
        expect(await store.tombstones({ limit: 10 })).toEqual([{ peer: "a", at: 1_700_000_000_000 }]);
        for (const event of [command("x_1"), spec("x_1")])
          expect(refusal((await store.append([{ peer: "a", event }]))[0])).toEqual(removed);
        await expect(hold(store, "a")).rejects.toMatchObject({
          code: "agent_removed",
          agent: "a",
          message: expect.stringContaining("2023-11-14T22:13:20.000Z"),
        });
        expect(await store.stats("a")).toBeUndefined();
        expect(await store.tombstone("b")).toBeUndefined();
        expect(await pendingVersions(store, "b")).toEqual([1]);
      };
      await expectBuried(underTest.store);
      await expectBuried(await underTest.restart());
      expect(await underTest.store.readmit("a")).toBe(true);
      expect(await underTest.store.readmit("a")).toBe(false);
      const store = await underTest.crash();
      expect(await store.tombstone("a")).toBeUndefined();
      expect(await store.tombstones({ limit: 10 })).toEqual([]);
      // What is forgotten of it still counts: nothing is given out again that it may know.
      expect(await accept(store, "a", command("x_1"))).toBeGreaterThan(1);
      expect((await hold(store, "a")).lease.epoch).toBeGreaterThan(before.lease.epoch);
    });

    it("are left only where that is asked for, and where the removal was not refused", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", command("x_1"));
      expect(await store.remove("a", { ifNothingPending: true, ...tombstone(1) })).toBe("pending");
      expect(await store.tombstone("a")).toBeUndefined();
      expect(await store.remove("a")).toBe("removed");
      expect(await store.tombstone("a")).toBeUndefined();
      expect(await store.readmit("a")).toBe(false);
      await accept(store, "a", command("x_1"));
    });

    it("are left of a peer of which there was nothing, too", async () => {
      const { store } = await storeFor(make);
      expect(await store.remove("a", tombstone(5))).toBe("none");
      expect(await store.tombstone("a")).toEqual({ peer: "a", at: 5 });
    });

    it("are there from the first commit of a removal on, so that a crash in the middle of it leaves both", async () => {
      const underTest = await storeFor(make);
      const batch = Array.from({ length: 2_500 }, (_, n) => ({ peer: "a", event: spec(`x${n}_1`) }));
      await underTest.store.append(batch);
      const interrupted = underTest.store.remove("a", tombstone(7)).catch(() => {});
      // The second refusal comes out of the second commit, so the first is done then.
      for (let commit = 1; commit <= 2; commit += 1) {
        const [answer] = await underTest.store.append([{ peer: "a", event: spec("x0_1") }]);
        expect(answer?.ok).toBe(false);
      }
      const store = await underTest.crash();
      await interrupted;
      expect(await store.tombstone("a")).toEqual({ peer: "a", at: 7 });
      expect(await store.remove("a", tombstone(8))).toMatch(/removed|none/);
      expect(await store.stats("a")).toBeUndefined();
      expect(refusal((await store.append([{ peer: "a", event: spec("x0_1") }]))[0])).toEqual(removed);
    });

    it("are as many as they may be, and the oldest goes first, over a restart as well", async () => {
      const { store, restart } = await storeFor(make, { maxTombstones: 3 });
      // By their order, whatever the clock says.
      for (const [index, peer] of ["d", "a", "c"].entries()) await store.remove(peer, tombstone(9 - index));
      const present = await restart();
      const names = async () => (await present.tombstones({ limit: 10 })).map(({ peer }) => peer);
      expect(await names()).toEqual(["a", "c", "d"]);
      // One that is removed again is the newest.
      await present.remove("d", tombstone(1));
      await Promise.all([present.remove("e", tombstone(1)), present.remove("b", tombstone(1))]);
      expect(await names()).toEqual(["b", "d", "e"]);
      expect(await present.tombstones({ after: "b", limit: 1 })).toEqual([{ peer: "d", at: 1 }]);
      await accept(present, "a", command("x_1"));
      await present.readmit("d");
      await present.remove("f", tombstone(1));
      expect(await names()).toEqual(["b", "e", "f"]);
    });
  });
}
