import { describe, expect, it } from "vitest";
import {
  accept,
  command,
  deletion,
  hold,
  inboxOf,
  received,
  record,
  status,
  storeFor,
  spec,
  type MakeStore,
} from "./harness.js";

const EMPTY = { settled: 0, applied: new Map(), begun: new Map() };

export function inboxCompliance(make: MakeStore): void {
  describe("inbox", () => {
    it("is empty for a peer that never sent anything", async () => {
      const { store } = await storeFor(make);
      expect((await hold(store, "a")).lease.inbox).toEqual(EMPTY);
    });

    it("remembers what was recorded over a crash, each peer by itself", async () => {
      const underTest = await storeFor(make);
      const { lease } = await hold(underTest.store, "a");
      await lease.record([
        { resourceid: "x_1", version: 3 },
        { resourceid: "y_1", version: 4 },
      ]);
      await lease.record([{ resourceid: "x_1", version: 6 }]);
      const store = await underTest.crash();
      const { applied } = await inboxOf(store, "a");
      expect(applied).toEqual(
        new Map([
          ["x_1", 6],
          ["y_1", 4],
        ]),
      );
      expect((await inboxOf(store, "b")).applied.size).toBe(0);
    });

    it("counts what was recorded in the life of the store, and says so with each record", async () => {
      const underTest = await storeFor(make);
      const { lease } = await hold(underTest.store, "a");
      const x = { resourceid: "x_1", version: 3 };
      expect(await lease.record([])).toEqual({ recorded: 0, discarded: [] });
      expect(await lease.record([x, { resourceid: "y_1", version: 4 }])).toEqual({
        recorded: 2,
        discarded: [],
      });
      expect(await Promise.all([lease.record([x]), lease.record([x])])).toMatchObject([
        { recorded: 3 },
        { recorded: 4 },
      ]);
      const again = await hold(await underTest.crash(), "a");
      expect(again.lease.standing.own.recorded).toBe(4);
      expect(await again.lease.record([])).toMatchObject({ recorded: 4 });
      expect(await again.lease.record([x])).toMatchObject({ recorded: 5 });
    });

    it("never takes a resource back to an older version", async () => {
      const { store } = await storeFor(make);
      await record(store, "a", [{ resourceid: "x_1", version: 6 }]);
      await record(store, "a", [{ resourceid: "x_1", version: 3 }]);
      expect((await inboxOf(store, "a")).applied.get("x_1")).toBe(6);
    });

    it("tells which handlers had begun and how often, until their end is recorded", async () => {
      const underTest = await storeFor(make);
      const { lease } = await hold(underTest.store, "a");
      await lease.begin([
        { resourceid: "x_1", version: 1, attempt: 1 },
        { resourceid: "y_1", version: 2, attempt: 1 },
      ]);
      await lease.begin([{ resourceid: "x_1", version: 1, attempt: 2 }]);
      await lease.record([{ resourceid: "y_1", version: 2 }]);
      const store = await underTest.crash();
      const { begun, applied } = await inboxOf(store, "a");
      expect(begun).toEqual(new Map([["x_1", { version: 1, attempts: 2 }]]));
      expect(applied).toEqual(new Map([["y_1", 2]]));
    });

    it("reports a newer begun version beside an older applied one", async () => {
      const { store } = await storeFor(make);
      const { lease } = await hold(store, "a");
      await lease.record([{ resourceid: "x_1", version: 1 }]);
      await lease.begin([{ resourceid: "x_1", version: 2, attempt: 1 }]);
      const { begun, applied } = await inboxOf(store, "a");
      expect(applied.get("x_1")).toBe(1);
      expect(begun.get("x_1")).toEqual({ version: 2, attempts: 1 });
    });

    it("forgets what is settled, exactly up to the floor, and never goes back", async () => {
      const underTest = await storeFor(make);
      const { lease } = await hold(underTest.store, "a");
      await lease.record([
        { resourceid: "x_1", version: 4 },
        { resourceid: "y_1", version: 5 },
        { resourceid: "z_1", version: 6 },
      ]);
      await lease.begin([
        { resourceid: "v_1", version: 5, attempt: 1 },
        { resourceid: "w_1", version: 7, attempt: 1 },
      ]);
      lease.settle(5);
      lease.settle(2);
      const expected = {
        settled: 5,
        applied: new Map([["z_1", 6]]),
        begun: new Map([["w_1", { version: 7, attempts: 1 }]]),
      };
      expect(await inboxOf(underTest.store, "a")).toEqual(expected);
      const store = await underTest.restart();
      expect(await inboxOf(store, "a")).toEqual(expected);
    });

    it("stays correct through sweeps of many settled rows", async () => {
      const { store } = await storeFor(make);
      const { lease } = await hold(store, "a");
      for (let batch = 0; batch < 30; batch++) {
        const recorded = Array.from({ length: 100 }, (_, index) => {
          const version = batch * 100 + index + 1;
          return { resourceid: `r${version}_1`, version };
        });
        await lease.record(recorded);
        lease.settle(batch * 100 + 50);
      }
      const { settled, applied } = await inboxOf(store, "a");
      expect(settled).toBe(2_950);
      expect([...applied.values()].toSorted((x, y) => x - y)).toEqual(
        Array.from({ length: 50 }, (_, index) => 2_951 + index),
      );
    });

    it("takes empty batches", async () => {
      const { store } = await storeFor(make);
      const { lease } = await hold(store, "a");
      await lease.begin([]);
      await lease.record([]);
      expect((await inboxOf(store, "a")).applied.size).toBe(0);
    });

    it("is written by a lease that was closed or followed by another of the same client, as a handler outlives its session", async () => {
      const { store } = await storeFor(make);
      const first = await hold(store, "a");
      expect(first.lease.continues).toBe(false);
      const use = first.lease.use();
      await first.lease.close();
      await first.lease.begin([{ resourceid: "x_1", version: 1, attempt: 1 }]);
      const second = await hold(store, "a");
      expect(second.lease.continues).toBe(true);
      expect(second.lease.inbox.begun).toEqual(new Map([["x_1", { version: 1, attempts: 1 }]]));
      expect(await first.lease.record([{ resourceid: "x_1", version: 1 }])).toMatchObject({ recorded: 1 });
      use.release();
      const third = await hold(store, "a");
      expect(third.lease.inbox.applied).toEqual(new Map([["x_1", 1]]));
      await Promise.all([
        third.lease.begin([{ resourceid: "y_1", version: 2, attempt: 1 }]),
        hold(store, "a"),
      ]);
      first.lease.settle(1);
      first.lease.joined();
      await first.lease.flush();
      expect(await store.standing("a")).toMatchObject({ peer: { epoch: first.lease.epoch } });
      expect(await inboxOf(store, "a")).toEqual({
        settled: 1,
        applied: new Map(),
        begun: new Map([["y_1", { version: 2, attempts: 1 }]]),
      });
    });

    it("is another after a start of the store: no lease continues one of before", async () => {
      const underTest = await storeFor(make);
      const old = await hold(underTest.store, "a");
      await old.lease.record([{ resourceid: "x_1", version: 1 }]);
      const present = await hold(await underTest.restart(), "a");
      expect(present.lease.continues).toBe(false);
      expect(present.lease.inbox.applied).toEqual(new Map([["x_1", 1]]));
    });
  });

  describe("a state to be kept only beside a sent one", () => {
    const keeping = (resource: string, version: number) => {
      const keep = received(status(resource), version);
      return { resourceid: resource, version, retain: { keep, ifSent: true } } as const;
    };

    it("is kept where the sent state is of the same resource, also if that is a delete", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      const { lease } = await hold(store, "a");
      expect(await lease.record([keeping("x_1", 1)])).toEqual({ recorded: 1, discarded: [] });
      expect(await store.retained.get("a", "received", "Thing/x")).toMatchObject({ version: 1 });
      await accept(store, "a", deletion("x_1"));
      expect(await lease.record([keeping("x_1", 2)])).toEqual({ recorded: 2, discarded: [] });
      expect(await store.retained.get("a", "received", "Thing/x")).toMatchObject({ version: 2 });
    });

    it("leaves nothing where there is none, or it is of another resource, or was acknowledged as deleted", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("y_2"));
      await accept(store, "a", deletion("z_1"));
      const { lease } = await hold(store, "a");
      lease.acknowledge(2);
      await lease.flush();
      const { subject: _, ...nameless } = received(status("y_2"), 4);
      const without = { resourceid: "y_2", version: 4, retain: { keep: nameless, ifSent: true } } as const;
      const applied = { resourceid: "w_1", version: 5 };
      const batch = [keeping("x_1", 1), keeping("y_1", 2), keeping("z_1", 3), without, applied];
      expect(await lease.record(batch)).toEqual({ recorded: 1, discarded: [0, 1, 2, 3] });
      expect(await store.retained.list("a", "received", { limit: 10 })).toEqual([]);
      expect((await inboxOf(store, "a")).applied).toEqual(new Map([["w_1", 5]]));
    });

    it("sees what its own commit sends", async () => {
      const { store } = await storeFor(make);
      const { lease } = await hold(store, "a");
      const [, result] = await Promise.all([
        store.append([
          { peer: "a", event: spec("x_1") },
          { peer: "a", event: command("x_1") },
        ]),
        lease.record([keeping("x_1", 1)]),
      ]);
      expect(result).toEqual({ recorded: 1, discarded: [] });
    });
  });
}
