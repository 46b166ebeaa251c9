import { describe, expect, it } from "vitest";
import { storeFor, type MakeStore } from "./harness.js";

export function inboxCompliance(make: MakeStore): void {
  describe("inbox", () => {
    it("is empty for a peer that never sent anything", async () => {
      const { store } = await storeFor(make);
      expect(await store.inbox.load("a")).toEqual({ settled: 0, applied: new Map(), begun: new Map() });
    });

    it("remembers what was recorded over a crash, each peer by itself", async () => {
      const underTest = await storeFor(make);
      await underTest.store.inbox.record("a", [
        { resourceid: "x_1", version: 3 },
        { resourceid: "y_1", version: 4 },
      ]);
      await underTest.store.inbox.record("a", [{ resourceid: "x_1", version: 6 }]);
      const store = await underTest.crash();
      const { applied } = await store.inbox.load("a");
      expect(applied).toEqual(
        new Map([
          ["x_1", 6],
          ["y_1", 4],
        ]),
      );
      expect((await store.inbox.load("b")).applied.size).toBe(0);
    });

    it("never takes a resource back to an older version", async () => {
      const { store } = await storeFor(make);
      await store.inbox.record("a", [{ resourceid: "x_1", version: 6 }]);
      await store.inbox.record("a", [{ resourceid: "x_1", version: 3 }]);
      expect((await store.inbox.load("a")).applied.get("x_1")).toBe(6);
    });

    it("tells which handlers had begun and how often, until their end is recorded", async () => {
      const underTest = await storeFor(make);
      const { inbox } = underTest.store;
      await inbox.begin("a", [
        { resourceid: "x_1", version: 1, attempt: 1 },
        { resourceid: "y_1", version: 2, attempt: 1 },
      ]);
      await inbox.begin("a", [{ resourceid: "x_1", version: 1, attempt: 2 }]);
      await inbox.record("a", [{ resourceid: "y_1", version: 2 }]);
      const store = await underTest.crash();
      const { begun, applied } = await store.inbox.load("a");
      expect(begun).toEqual(new Map([["x_1", { version: 1, attempts: 2 }]]));
      expect(applied).toEqual(new Map([["y_1", 2]]));
    });

    it("reports a newer begun version beside an older applied one", async () => {
      const { store } = await storeFor(make);
      await store.inbox.record("a", [{ resourceid: "x_1", version: 1 }]);
      await store.inbox.begin("a", [{ resourceid: "x_1", version: 2, attempt: 1 }]);
      const { begun, applied } = await store.inbox.load("a");
      expect(applied.get("x_1")).toBe(1);
      expect(begun.get("x_1")).toEqual({ version: 2, attempts: 1 });
    });

    it("forgets what is settled, exactly up to the floor, and never goes back", async () => {
      const underTest = await storeFor(make);
      const { inbox } = underTest.store;
      await inbox.record("a", [
        { resourceid: "x_1", version: 4 },
        { resourceid: "y_1", version: 5 },
        { resourceid: "z_1", version: 6 },
      ]);
      await inbox.begin("a", [
        { resourceid: "v_1", version: 5, attempt: 1 },
        { resourceid: "w_1", version: 7, attempt: 1 },
      ]);
      inbox.settle("a", 5);
      inbox.settle("a", 2);
      const expected = {
        settled: 5,
        applied: new Map([["z_1", 6]]),
        begun: new Map([["w_1", { version: 7, attempts: 1 }]]),
      };
      expect(await inbox.load("a")).toEqual(expected);
      const store = await underTest.restart();
      expect(await store.inbox.load("a")).toEqual(expected);
    });

    it("stays correct through sweeps of many settled rows", async () => {
      const { store } = await storeFor(make);
      for (let batch = 0; batch < 30; batch++) {
        const recorded = Array.from({ length: 100 }, (_, index) => {
          const version = batch * 100 + index + 1;
          return { resourceid: `r${version}_1`, version };
        });
        await store.inbox.record("a", recorded);
        store.inbox.settle("a", batch * 100 + 50);
      }
      const { settled, applied } = await store.inbox.load("a");
      expect(settled).toBe(2_950);
      expect([...applied.values()].toSorted((x, y) => x - y)).toEqual(
        Array.from({ length: 50 }, (_, index) => 2_951 + index),
      );
    });

    it("takes empty batches", async () => {
      const { store } = await storeFor(make);
      await store.inbox.begin("a", []);
      await store.inbox.record("a", []);
      expect((await store.inbox.load("a")).applied.size).toBe(0);
    });
  });
}
