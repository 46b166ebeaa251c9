import { describe, expect, it } from "vitest";
import {
  accept,
  command,
  deletion,
  hold,
  pendingVersions,
  refusal,
  spec,
  status,
  storeFor,
  type MakeStore,
} from "./harness.js";

export function capsCompliance(make: MakeStore): void {
  describe("caps", () => {
    it("accepts exactly maxEntries and refuses the next, without using up a version", async () => {
      const { store } = await storeFor(make, { maxEntries: 3 });
      const batch = Array.from({ length: 4 }, () => ({ peer: "a", event: command("x_1") }));
      const answers = await store.append(batch);
      expect(answers.map((answer) => answer.ok)).toEqual([true, true, true, false]);
      expect(refusal(answers[3])).toEqual({ reason: "full", code: "mailbox_full" });
      expect((await store.append([{ peer: "b", event: command("x_1") }]))[0]?.ok).toBe(true);
      const { lease } = await hold(store, "a");
      lease.acknowledge(2);
      await lease.close();
      expect(await accept(store, "a", command("x_1"))).toBe(4);
    });

    it("frees the room of what is superseded first", async () => {
      const { store } = await storeFor(make, { maxEntries: 3 });
      for (const event of [spec("x_1"), status("x_1"), command("x_1")]) await accept(store, "a", event);
      expect(await accept(store, "a", spec("x_1"))).toBe(4);
      expect(await accept(store, "a", deletion("x_1"))).toBe(5);
      expect(await pendingVersions(store, "a")).toEqual([3, 5]);
    });

    it("counts dead letters", async () => {
      const { store } = await storeFor(make, { maxEntries: 2 });
      await accept(store, "a", command("x_1"));
      await accept(store, "a", command("x_1"));
      const { lease } = await hold(store, "a");
      await lease.deadLetter(1, { code: "handler_rejected", message: "no", at: 1 });
      const [answer] = await store.append([{ peer: "a", event: command("x_1") }]);
      expect(refusal(answer).reason).toBe("full");
      expect(await store.stats("a")).toMatchObject({ pending: 1, deadLetters: 1 });
    });

    it("holds the byte cap at the bound: exactly full is accepted, one byte more is not", async () => {
      const probe = await storeFor(make);
      const event = command("x_1", { data: "x".repeat(500) });
      await accept(probe.store, "a", event);
      const { bytes = 0 } = (await probe.store.stats("a")) ?? {};
      expect(bytes).toBeGreaterThan(500);
      const { store } = await storeFor(make, { maxBytes: bytes * 2 });
      await accept(store, "a", event);
      const [larger] = await store.append([{ peer: "a", event: { ...event, data: "x".repeat(501) } }]);
      expect(refusal(larger)).toEqual({ reason: "full", code: "mailbox_full" });
      expect(await accept(store, "a", event)).toBe(2);
      expect((await store.stats("a"))?.bytes).toBe(bytes * 2);
    });

    it("counts bytes as UTF-8, and gives them back", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", command("x_1", { data: "é".repeat(1_000) }));
      const { lease } = await hold(store, "a");
      const [entry] = await lease.read(0, 1);
      expect(entry?.bytes).toBeGreaterThan(2_000);
      expect((await store.stats("a"))?.bytes).toBe(entry?.bytes);
      lease.acknowledge(1);
      await lease.close();
      expect(await store.stats("a")).toMatchObject({
        peer: "a",
        pending: 0,
        deadLetters: 0,
        bytes: 0,
        lastVersion: 1,
        everOpened: true,
      });
    });

    it("refuses one mailbox more than maxPeers, over restarts, and goes on serving those there are", async () => {
      const underTest = await storeFor(make, { maxPeers: 2 });
      await accept(underTest.store, "a", command("x_1"));
      await accept(underTest.store, "b", command("x_1"));
      const store = await underTest.restart();
      const [answer] = await store.append([{ peer: "c", event: command("x_1") }]);
      expect(refusal(answer).reason).toBe("full");
      expect(await store.stats("c")).toBeUndefined();
      expect(await accept(store, "a", command("x_1"))).toBe(2);
      await expect(hold(store, "c")).rejects.toMatchObject({ code: "store_full" });
    });
  });
}
