import { describe, expect, it } from "vitest";
import type { Store } from "../contract/store.js";
import { acknowledgeAll, command, HandClock, hold, spec, storeFor, type MakeStore } from "./harness.js";

const append = (idempotencyKey: string) => ({ peer: "a", event: command("x_1"), idempotencyKey });

/** Which of these keys are known; whatever is not is accepted anew. */
async function known(store: Store, keys: readonly string[]): Promise<readonly string[]> {
  const answers = await store.append(keys.map(append));
  return keys.filter((_, index) => {
    const answer = answers[index];
    return answer?.ok === true && answer.duplicate;
  });
}

export function idempotencyCompliance(make: MakeStore): void {
  describe("idempotency keys", () => {
    it("may be any text", async () => {
      const underTest = await storeFor(make, { maxIdempotencyKeys: 4 });
      const keys = ["", "\u0000", "\ud800", "\ud83d\ude00"];
      await underTest.store.append(keys.map(append));
      await acknowledgeAll(underTest.store, "a");
      const store = await underTest.restart();
      expect(await known(store, keys)).toEqual(keys);
      expect(await known(store, ["1", "2", "3", "4"])).toEqual([]);
      await acknowledgeAll(store, "a");
      expect(await known(store, keys)).toEqual([]);
    });

    it("are forgotten beyond the bound, oldest first, and the rest is kept over a restart", async () => {
      const underTest = await storeFor(make, { maxIdempotencyKeys: 3 });
      await underTest.store.append(["k1", "k2", "k3", "k4"].map(append));
      await acknowledgeAll(underTest.store, "a");
      const store = await underTest.restart();
      expect(await known(store, ["k2", "k3", "k4"])).toEqual(["k2", "k3", "k4"]);
      expect((await store.append([append("k1")]))[0]).toEqual({ ok: true, version: 5, duplicate: false });
      expect((await store.append([append("k2")]))[0]).toMatchObject({ duplicate: false });
      expect((await store.append([append("k4")]))[0]).toMatchObject({ duplicate: true, version: 4 });
    });

    it("of pending events are never forgotten, however many there are and however old they get", async () => {
      const clock = new HandClock();
      const limits = { maxIdempotencyKeys: 4, maxIdempotencyAgeMs: 1_000, maxEntries: 100 };
      const underTest = await storeFor(make, limits, clock);
      const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);
      for (const key of keys) {
        expect((await underTest.store.append([append(key)]))[0]).toMatchObject({ duplicate: false });
        clock.wallMs += 500;
      }
      expect(await known(underTest.store, keys)).toEqual(keys);
      const store = await underTest.restart();
      expect(await known(store, keys)).toEqual(keys);
      // All of them pending: the cap of the mailbox is theirs as well.
      expect((await store.append([append("one more")]))[0]).toMatchObject({ ok: false, reason: "full" });
      clock.wallMs += 1_000_000;
      await acknowledgeAll(store, "a");
      expect(await known(store, keys)).toEqual([]);
    });

    it("of what was settled are forgotten by their age", async () => {
      const clock = new HandClock();
      const underTest = await storeFor(make, { maxIdempotencyAgeMs: 1_000 }, clock);
      await underTest.store.append([append("acknowledged"), append("given up")]);
      await underTest.store.append([{ peer: "a", event: spec("y_1"), idempotencyKey: "superseded" }]);
      clock.wallMs += 600;
      await underTest.store.append([append("younger"), { peer: "a", event: spec("y_1") }]);
      const { lease } = await hold(underTest.store, "a");
      lease.acknowledge(1);
      await lease.deadLetter(2, { code: "expired", message: "", at: 1 });
      await lease.close();
      clock.wallMs += 400;
      const store = await underTest.restart();
      const all = ["acknowledged", "given up", "superseded", "younger"];
      expect(await known(store, all)).toEqual(all);
      clock.wallMs += 1;
      await acknowledgeAll(store, "a");
      expect(await known(store, all)).toEqual(["younger"]);
    });

    it("that were accepted anew count from then on", async () => {
      const { store } = await storeFor(make, { maxIdempotencyKeys: 2 });
      for (const key of ["a", "b", "c", "a"]) {
        expect(await known(store, [key])).toEqual([]);
        await acknowledgeAll(store, "a");
      }
      expect(await known(store, ["c", "a"])).toEqual(["c", "a"]);
      expect((await store.append([append("a")]))[0]).toEqual({ ok: true, version: 4, duplicate: true });
    });

    it("of a removed peer are gone", async () => {
      const { store } = await storeFor(make);
      await store.append([append("k")]);
      await acknowledgeAll(store, "a");
      await store.remove("a");
      expect(await known(store, ["k"])).toEqual([]);
    });
  });
}
