import { describe, expect, it, vi } from "vitest";
import {
  accept,
  command,
  hold,
  pendingVersions,
  refusal,
  spec,
  storeFor,
  versionOf,
  type MakeStore,
} from "./harness.js";

export function crashCompliance(make: MakeStore): void {
  describe("crash", () => {
    it("loses nothing that was accepted, and gives no version twice", async () => {
      const underTest = await storeFor(make);
      const accepted = new Set<number>();
      const appends = Array.from({ length: 200 }, async () => {
        const [answer] = await underTest.store.append([{ peer: "a", event: command("x_1") }]);
        if (answer?.ok === true) accepted.add(answer.version);
      });
      await Promise.race(appends);
      const certain = [...accepted];
      const store = await underTest.crash();
      const pending = await pendingVersions(store, "a");
      expect(certain.length).toBeGreaterThan(0);
      for (const version of certain) expect(pending).toContain(version);
      const next = await accept(store, "a", command("x_1"));
      expect(next).toBe(Math.max(...pending) + 1);
      expect((await store.stats("a"))?.pending).toBe(pending.length + 1);
    });

    it("keeps counters in step with what they count", async () => {
      const underTest = await storeFor(make);
      for (let round = 0; round < 3; round++) {
        const { store } = underTest;
        const holder = await hold(store, "a");
        const batch = Array.from({ length: 30 }, (_, index) => ({
          peer: "a",
          event: index % 3 === 0 ? spec(`x${index}_1`) : command("x_1"),
        }));
        const answers = await store.append(batch);
        for (const answer of answers.slice(0, 20)) holder.lease.acknowledge(versionOf(answer));
        await holder.lease.deadLetter(versionOf(answers[25]), { code: "expired", message: "", at: 1 });
        const after = await underTest.crash();
        const current = await hold(after, "a");
        const pending = await current.lease.read(0, 1_000);
        const letters = await after.deadLetters("a", { limit: 1_000 });
        const bytes = [...pending, ...letters].reduce((sum, entry) => sum + entry.bytes, 0);
        expect(await after.stats("a")).toMatchObject({
          pending: pending.length,
          deadLetters: letters.length,
          bytes,
        });
        await current.lease.close();
      }
    });

    it("in the middle of a removal leaves what the next start finishes, and counters that are right", async () => {
      const underTest = await storeFor(make);
      const batch = Array.from({ length: 2_500 }, (_, n) => ({ peer: "a", event: spec(`x${n}_1`) }));
      await underTest.store.append(batch);
      const interrupted = underTest.store.remove("a").catch(() => {});
      // The second refusal comes out of the second commit, so the first is done then.
      for (let commit = 1; commit <= 2; commit += 1) {
        const [refused] = await underTest.store.append([{ peer: "a", event: spec("x0_1") }]);
        expect(refusal(refused)).toEqual({ reason: "unavailable", code: "store_unavailable" });
      }
      const store = await underTest.crash();
      await interrupted;
      const [early] = await store.append([{ peer: "a", event: spec("x2499_1") }]);
      if (early?.ok !== true) expect(refusal(early).reason).toBe("unavailable");
      await vi.waitFor(async () => {
        const [answer] = await store.append([{ peer: "a", event: spec("x2499_1") }]);
        expect(answer).toMatchObject({ ok: true });
      });
      expect(await pendingVersions(store, "a")).toHaveLength(1);
      expect(await store.stats("a")).toMatchObject({ pending: 1, deadLetters: 0 });
    });

    it("in the middle of a purge leaves each event pending or purged, and counters that are right", async () => {
      const underTest = await storeFor(make);
      const batch = Array.from({ length: 2_500 }, (_, n) => ({ peer: "a", event: spec(`x${n}_1`) }));
      await underTest.store.append(batch);
      const holder = await hold(underTest.store, "a");
      const purging = underTest.store.purge("a").catch(() => undefined);
      await vi.waitFor(() => expect(holder.gone.length).toBeGreaterThan(0));
      const toldGone = holder.gone.map(({ version }) => version);
      const store = await underTest.crash();
      await purging;
      const present = await hold(store, "a");
      const pending = await present.lease.read(0, 10_000);
      expect(await store.stats("a")).toMatchObject({
        pending: pending.length,
        bytes: pending.reduce((sum, entry) => sum + entry.bytes, 0),
      });
      const versions = new Set(pending.map(({ version }) => version));
      expect(toldGone.filter((version) => versions.has(version))).toEqual([]);
      const purged = new Set<number>();
      for (let after: string | undefined, isAll = false; !isAll; ) {
        const page = { limit: 1_000, ...(after === undefined ? {} : { after }) };
        const states = await store.retained.list("a", "sent", page);
        for (const state of states) {
          expect(state.pending).toBe(state.refusal !== "purged");
          if (!state.pending) purged.add(state.version);
        }
        after = states.at(-1)?.subject;
        isAll = states.length < 1_000;
      }
      expect(purged.size + versions.size).toBe(2_500);
      expect(await store.purge("a")).toEqual({ purged: versions.size, inFlight: 0, left: 0 });
    });

    it("may lose acknowledgements, which costs a resend and nothing else", async () => {
      const underTest = await storeFor(make);
      await accept(underTest.store, "a", command("x_1"));
      const { lease } = await hold(underTest.store, "a");
      lease.acknowledge(1);
      const store = await underTest.crash();
      const pending = await pendingVersions(store, "a");
      expect([[], [1]]).toContainEqual(pending);
      expect((await store.stats("a"))?.pending).toBe(pending.length);
    });

    it("keeps the idempotency key of what was accepted", async () => {
      const underTest = await storeFor(make);
      const append = { peer: "a", event: command("x_1"), idempotencyKey: "key" };
      await underTest.store.append([append]);
      const store = await underTest.crash();
      expect((await store.append([append]))[0]).toEqual({ ok: true, version: 1, duplicate: true });
    });
  });
}
