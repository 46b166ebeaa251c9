import { describe, expect, it, vi } from "vitest";
import type { Store } from "../contract/store.js";
import type { PeerQuery, StoreStatus } from "../contract/views.js";
import { accept, command, HandClock, hold, HOLDER, storeFor, turn, type MakeStore } from "./harness.js";

export function viewsCompliance(make: MakeStore): void {
  describe("what there is to see", () => {
    it("lists peers by the beginning of their name, by whether they are held, and by what is pending", async () => {
      const { store } = await storeFor(make);
      const pending = { "a.1": 1, "a.2": 3, "b.1": 2, "b.2": 3, "b.3": 0, c: 0 };
      for (const [peer, count] of Object.entries(pending)) {
        for (let n = 0; n < count; n += 1) await accept(store, peer, command("x_1"));
        if (count === 0 || peer === "b.2") await hold(store, peer);
      }
      const all = async (query: Omit<PeerQuery, "limit" | "after">): Promise<readonly string[]> => {
        const names: string[] = [];
        for (let after: string | undefined; ; after = names.at(-1)) {
          const page = await store.peers({ ...query, limit: 2, ...(after === undefined ? {} : { after }) });
          names.push(...page.map(({ peer }) => peer));
          if (page.length < 2) return names;
        }
      };
      expect(await all({ prefix: "b." })).toEqual(["b.1", "b.2", "b.3"]);
      expect(await all({ prefix: "d" })).toEqual([]);
      expect(await all({ held: true })).toEqual(["b.2", "b.3", "c"]);
      expect(await all({ held: false })).toEqual(["a.1", "a.2", "b.1"]);
      expect(await all({ held: true, prefix: "b" })).toEqual(["b.2", "b.3"]);
      expect(await all({ order: "pending" })).toEqual(["a.2", "b.2", "b.1", "a.1", "b.3", "c"]);
      expect(await all({ order: "pending", prefix: "b", held: true })).toEqual(["b.2", "b.3"]);
      expect(await all({ order: "pending", held: false })).toEqual(["a.2", "b.1", "a.1"]);
      expect(await store.peers({ limit: 2, after: "a", prefix: "b" })).toHaveLength(2);
      expect(await store.peers({ limit: 2, after: "bb", held: true })).toHaveLength(1);
      expect(await store.peers({ limit: 2, after: "nobody", order: "pending" })).toEqual([]);
    });

    it("says who holds a mailbox, since when, and when it was last held", async () => {
      const clock = new HandClock();
      const { store } = await storeFor(make, {}, clock);
      await accept(store, "a", command("x_1"));
      const before = await store.stats("a");
      expect(before).not.toHaveProperty("holder");
      expect(before).not.toHaveProperty("seenAt");
      const since = clock.wallMs;
      const { lease } = await hold(store, "a");
      clock.wallMs += 1_000;
      const [self] = await store.members();
      const held = {
        holder: { ...HOLDER, member: self?.name, epoch: lease.epoch, since },
        seenAt: clock.wallMs,
      };
      expect(await store.stats("a")).toEqual({ ...before, everOpened: true, ...held });
      expect(await store.peers({ limit: 1 })).toEqual([{ ...before, everOpened: true, ...held }]);
      const seenAt = clock.wallMs;
      await lease.close();
      clock.wallMs += 1_000;
      expect(await store.stats("a")).toEqual({ ...before, everOpened: true, seenAt });
    });

    it("knows sums over all mailboxes, over a restart as well", async () => {
      const underTest = await storeFor(make);
      const empty = { peers: 0, held: 0, pending: 0, deadLetters: 0, bytes: 0 };
      expect(await underTest.store.totals()).toEqual(empty);
      const batch = Array.from({ length: 7 }, (_, n) => ({ peer: `p${n % 3}`, event: command("x_1") }));
      await underTest.store.append(batch);
      const { lease } = await hold(underTest.store, "p0");
      await lease.deadLetter(1, { code: "expired", message: "", at: 1 });
      lease.acknowledge(2);
      await lease.flush();
      const sumsOf = async (store: Store) => {
        const all = await store.peers({ limit: 10 });
        const sum = (of: "pending" | "deadLetters" | "bytes") => all.reduce((so, row) => so + row[of], 0);
        return {
          peers: all.length,
          held: all.filter(({ holder }) => holder !== undefined).length,
          pending: sum("pending"),
          deadLetters: sum("deadLetters"),
          bytes: sum("bytes"),
        };
      };
      expect(await underTest.store.totals()).toMatchObject({ peers: 3, held: 1, pending: 5, deadLetters: 1 });
      expect(await underTest.store.totals()).toEqual(await sumsOf(underTest.store));
      const store = await underTest.restart();
      expect(await store.totals()).toEqual(await sumsOf(store));
      await store.remove("p1");
      await store.purge("p2");
      expect(await store.totals()).toEqual(await sumsOf(store));
      expect(await store.totals()).toMatchObject({ peers: 2, held: 0, pending: 1 });
    });

    it("names itself among those who share it", async () => {
      const clock = new HandClock();
      const { store } = await storeFor(make, {}, clock);
      clock.wallMs += 1_000;
      const self = (await store.members()).filter(({ isSelf }) => isSelf);
      expect(self).toHaveLength(1);
      expect(self[0]?.name).not.toBe("");
      expect(self[0]?.since).toBeLessThanOrEqual(self[0]?.seenAt ?? 0);
    });

    it("tells who watches whose row changed, until that ends it, and whatever it throws", async () => {
      const { store } = await storeFor(make);
      const seen = new Set<string>();
      const end = store.watch({
        peer(name) {
          seen.add(name);
          throw new Error("a watcher's mistake");
        },
      });
      const heard = async (name: string): Promise<void> => {
        await vi.waitFor(() => expect([...seen]).toContain(name));
        seen.clear();
      };
      await accept(store, "a", command("x_1"));
      await heard("a");
      const { lease } = await hold(store, "b");
      await heard("b");
      await lease.close();
      await heard("b");
      await store.remove("a");
      await heard("a");
      end();
      await accept(store, "c", command("x_1"));
      await turn();
      await turn();
      expect([...seen]).not.toContain("c");
    });

    it("says whether it can be used, first what is so now, until it is not asked any more", async () => {
      const { store } = await storeFor(make);
      const asked = new AbortController();
      const told: StoreStatus[] = [];
      const following = (async () => {
        for await (const status of store.status({ signal: asked.signal })) told.push(status);
      })();
      await vi.waitFor(() => expect(told).toEqual(["ready"]));
      await store.stop();
      await vi.waitFor(() => expect(told.at(-1)).toBe("unreachable"));
      await store.start();
      await vi.waitFor(() => expect(told.at(-1)).toBe("ready"));
      asked.abort();
      await following;
    });
  });
}
