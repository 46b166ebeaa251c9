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

const UNAVAILABLE = { code: "store_unavailable" };

/** What a store answers who is there to be asked, by whether it does. */
async function isOpen(store: Store): Promise<boolean> {
  return store.peers({ limit: 1 }).then(
    () => true,
    () => false,
  );
}

function useCompliance(make: MakeStore): void {
  /** A store that nobody has started. */
  async function closedStore(): Promise<Store> {
    const { store } = await storeFor(make);
    await store.stop();
    expect(await isOpen(store)).toBe(false);
    return store;
  }

  it("is open while somebody uses it, and stops with the last of them", async () => {
    const store = await closedStore();
    const [one, other] = await Promise.all([store.use(), store.use()]);
    await accept(store, "a", command("x_1"));
    await one.release();
    await one.release();
    expect(await isOpen(store)).toBe(true);
    await other.release();
    expect(await isOpen(store)).toBe(false);
    const again = await store.use();
    expect(await accept(store, "a", command("x_1"))).toBe(2);
    await again.release();
    expect(await isOpen(store)).toBe(false);
  });

  it("stays open for whoever started it, before its uses or among them", async () => {
    const store = await closedStore();
    await store.start();
    await (await store.use()).release();
    expect(await isOpen(store)).toBe(true);
    await store.stop();
    const use = await store.use();
    await store.start();
    await use.release();
    expect(await isOpen(store)).toBe(true);
    await store.stop();
    expect(await isOpen(store)).toBe(false);
  });

  it("is closed by stop for those who use it, whose release is then without effect on later ones", async () => {
    const store = await closedStore();
    const ended = await store.use();
    await store.stop();
    expect(await isOpen(store)).toBe(false);
    const later = await store.use();
    await ended.release();
    expect(await isOpen(store)).toBe(true);
    await later.release();
    expect(await isOpen(store)).toBe(false);
  });

  it("is open for who comes while the last one goes, and closed when all who came are gone", async () => {
    const store = await closedStore();
    const first = await store.use();
    const released = first.release();
    const second = await store.use();
    await released;
    expect(await isOpen(store)).toBe(true);
    await second.release();
    expect(await isOpen(store)).toBe(false);
  });

  it("stays closed when it is stopped before a use has begun", async () => {
    const store = await closedStore();
    const starting = store.use().then(
      (use) => use.release(),
      () => {},
    );
    await store.stop();
    await starting;
    expect(await isOpen(store)).toBe(false);
    const first = await store.use();
    const releasing = first.release();
    const second = store.use();
    const stopped = store.stop();
    await Promise.all([
      releasing,
      stopped,
      second.catch((thrown: unknown) => expect(thrown).toMatchObject({ code: "aborted" })),
    ]);
    expect(await isOpen(store)).toBe(false);
  });

  it("writes gathered acknowledgements when its last use ends", async () => {
    const store = await closedStore();
    const use = await store.use();
    await accept(store, "a", command("x_1"));
    const { lease } = await hold(store, "a");
    lease.acknowledge(1);
    await use.release();
    await expect(store.stats("a")).rejects.toMatchObject(UNAVAILABLE);
    await store.start();
    expect(await store.stats("a")).toMatchObject({ pending: 0, lastVersion: 1 });
  });
}

export function lifecycleCompliance(make: MakeStore): void {
  describe("use", () => useCompliance(make));
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
      await expect(store.standing("a")).rejects.toMatchObject(unavailable);
      await expect(store.tombstone("a")).rejects.toMatchObject(unavailable);
      await expect(store.totals()).rejects.toMatchObject(unavailable);
      await expect(store.members()).rejects.toMatchObject(unavailable);
      await expect(lease.begin([{ resourceid: "x_1", version: 1, attempt: 1 }])).rejects.toMatchObject(
        unavailable,
      );
      await expect(lease.flush()).rejects.toMatchObject(unavailable);
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
      expect(await store.stats("opened")).toMatchObject({
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
