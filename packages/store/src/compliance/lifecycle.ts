import { describe, expect, it } from "vitest";
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

export function lifecycleCompliance(make: MakeStore): void {
  describe("lifecycle", () => {
    it("has a name made with its contents, and keeps it", async () => {
      const underTest = await storeFor(make);
      const other = await storeFor(make);
      const { id } = underTest.store;
      expect(id).not.toBe("");
      expect(other.store.id).not.toBe(id);
      expect((await underTest.restart()).id).toBe(id);
      expect((await underTest.crash()).id).toBe(id);
    });

    it("keeps everything over a restart", async () => {
      const underTest = await storeFor(make);
      await accept(underTest.store, "a", spec("x_1"));
      await accept(underTest.store, "a", command("x_1"));
      await accept(underTest.store, "b", command("x_1"));
      const before = await underTest.store.peers({ limit: 10 });
      const store = await underTest.restart();
      expect(await store.peers({ limit: 10 })).toEqual(before);
      expect(await pendingVersions(store, "a")).toEqual([1, 2]);
      expect(await accept(store, "a", command("x_1"))).toBe(3);
    });

    it("writes gathered acknowledgements when it stops", async () => {
      const underTest = await storeFor(make);
      await accept(underTest.store, "a", command("x_1"));
      const { lease } = await hold(underTest.store, "a");
      lease.acknowledge(1);
      const store = await underTest.restart();
      expect(await store.stats("a")).toMatchObject({ pending: 0, lastVersion: 1 });
    });

    it("finishes what was asked before stop, and answers unavailable after it", async () => {
      const { store } = await storeFor(make);
      const { lease } = await hold(store, "a");
      const early = store.append([{ peer: "a", event: command("x_1") }]);
      const stopped = store.stop();
      const late = await store.append([{ peer: "a", event: command("x_1") }]);
      expect((await early)[0]).toMatchObject({ ok: true, version: 1 });
      expect(refusal(late[0])).toEqual({ reason: "unavailable", code: "store_unavailable" });
      await Promise.all([stopped, store.stop()]);
      await store.stop();
      const unavailable = { code: "store_unavailable" };
      await expect(hold(store, "a")).rejects.toMatchObject(unavailable);
      await expect(store.stats("a")).rejects.toMatchObject(unavailable);
      await expect(store.peers({ limit: 1 })).rejects.toMatchObject(unavailable);
      await expect(store.deadLetters("a", { limit: 1 })).rejects.toMatchObject(unavailable);
      await expect(store.retained.get("a", "sent", "Thing/x")).rejects.toMatchObject(unavailable);
      await expect(store.inbox.load("a")).rejects.toMatchObject(unavailable);
      await expect(
        store.inbox.begin("a", [{ resourceid: "x_1", version: 1, attempt: 1 }]),
      ).rejects.toMatchObject(unavailable);
      expect(refusal(await store.requeue("a", 1)).code).toBe("store_unavailable");
      lease.acknowledge(1);
      await lease.deadLetter(1, { code: "expired", message: "", at: 1 });
      await lease.close();
    });

    it("starts again after stop", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", command("x_1"));
      await store.stop();
      await store.start();
      expect(await accept(store, "a", command("x_1"))).toBe(2);
    });

    it("knows whether anybody has ever come for a mailbox, also after a restart", async () => {
      const underTest = await storeFor(make);
      await accept(underTest.store, "waits", command("x_1"));
      await accept(underTest.store, "comes", command("x_1"));
      const { lease } = await hold(underTest.store, "comes");
      await lease.close();
      const store = await underTest.restart();
      expect(await store.stats("waits")).toMatchObject({ everOpened: false });
      expect(await store.peers({ limit: 10 })).toMatchObject([
        { peer: "comes", everOpened: true },
        { peer: "waits", everOpened: false },
      ]);
    });

    it("lists peers in code unit order, page by page, with what they hold", async () => {
      const { store } = await storeFor(make);
      const names = ["b", "a", "a.b", "a-b", "ab", "\ue000", "\ud83d\ude00"];
      await store.append(names.map((peer) => ({ peer, event: command("x_1") })));
      await hold(store, "opened");
      const sorted = [...names, "opened"].toSorted((x, y) => (x < y ? -1 : 1));
      const seen: string[] = [];
      for (let after: string | undefined; ; after = seen.at(-1)) {
        const page = await store.peers(after === undefined ? { limit: 3 } : { after, limit: 3 });
        seen.push(...page.map((stats) => stats.peer));
        if (page.length < 3) break;
      }
      expect(seen).toEqual(sorted);
      expect(await store.stats("opened")).toEqual({
        peer: "opened",
        pending: 0,
        deadLetters: 0,
        bytes: 0,
        lastVersion: 0,
        everOpened: true,
      });
      expect(await store.stats("nobody")).toBeUndefined();
    });
  });
}
