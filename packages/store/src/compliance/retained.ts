import { describe, expect, it } from "vitest";
import {
  accept,
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
import type { EventDraft } from "@hawser/protocol";
import type { Store } from "../contract/store.js";

const REASON = { code: "handler_rejected", message: "", at: 1 };

/** Records a state the peer sent. */
async function recordState(store: Store, event: EventDraft, version: number): Promise<void> {
  const keep = received(event, version);
  await record(store, "a", [{ resourceid: event.resourceid, version, retain: { keep } }]);
}

async function acknowledge(store: Store, version: number): Promise<void> {
  const { lease } = await hold(store, "a");
  lease.acknowledge(version);
  await lease.close();
}

export function retainedCompliance(make: MakeStore): void {
  describe("retained state", () => {
    it("keeps the newest sent state of a subject beyond its acknowledgement and a restart", async () => {
      const underTest = await storeFor(make);
      const { store } = underTest;
      expect(await store.retained.get("a", "sent", "Thing/x")).toBeUndefined();
      await accept(store, "a", spec("x_1"));
      const newest = spec("x_1");
      await accept(store, "a", newest);
      const expected = { subject: "Thing/x", version: 2, event: { ...newest, eventid: "2" } };
      expect(await store.retained.get("a", "sent", "Thing/x")).toEqual({ ...expected, pending: true });
      await acknowledge(store, 2);
      const later = await underTest.restart();
      expect(await later.retained.get("a", "sent", "Thing/x")).toEqual({ ...expected, pending: false });
      expect(await later.retained.get("b", "sent", "Thing/x")).toBeUndefined();
      expect(await later.retained.get("a", "received", "Thing/x")).toBeUndefined();
    });

    it("shows an acknowledgement once it is flushed", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      const { lease } = await hold(store, "a");
      lease.acknowledge(1);
      await lease.flush();
      expect(await store.retained.get("a", "sent", "Thing/x")).toMatchObject({ pending: false });
    });

    it("does not retain commands, nor state without a subject", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", command("x_1", { subject: "Thing/x" }));
      const { subject: _, ...nameless } = spec("x_1");
      await accept(store, "a", nameless);
      expect(await store.retained.list("a", "sent", { limit: 10 })).toEqual([]);
      expect(await pendingVersions(store, "a")).toEqual([1, 2]);
    });

    it("lists by subject in code unit order, page by page", async () => {
      const { store } = await storeFor(make);
      const names = ["b", "a", "a\u0000", "a\u0001", "ab", "\ue000", "\ud83d\ude00", "\uffff", "\ud800", "é"];
      const subjects = names.map((name) => `Thing/${name}`).toSorted((x, y) => (x < y ? -1 : 1));
      for (const name of names) await accept(store, "a", spec(`${name}_1`));
      await accept(store, "b", spec("other_1"));
      const seen: string[] = [];
      for (let after: string | undefined; ; after = seen.at(-1)) {
        const page = after === undefined ? { limit: 3 } : { after, limit: 3 };
        const states = await store.retained.list("a", "sent", page);
        seen.push(...states.map((state) => state.subject));
        if (states.length < 3) break;
      }
      expect(seen).toEqual(subjects);
    });

    it("forgets sent and received state of a resource when its delete is acknowledged", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      await recordState(store, status("x_1"), 5);
      await accept(store, "a", deletion("x_1"));
      expect(await store.retained.get("a", "sent", "Thing/x")).toMatchObject({ version: 2, pending: true });
      expect(await store.retained.get("a", "received", "Thing/x")).toMatchObject({ version: 5 });
      await acknowledge(store, 2);
      expect(await store.retained.get("a", "sent", "Thing/x")).toBeUndefined();
      expect(await store.retained.get("a", "received", "Thing/x")).toBeUndefined();
    });

    it("leaves a new resource under the old name alone when the old one's delete is acknowledged", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", deletion("x_1"));
      await accept(store, "a", spec("x_2"));
      await recordState(store, status("x_2"), 5);
      await acknowledge(store, 1);
      expect(await store.retained.get("a", "sent", "Thing/x")).toMatchObject({ version: 2 });
      expect(await store.retained.get("a", "received", "Thing/x")).toMatchObject({ version: 5 });
    });

    it("keeps the newest received state, whichever is recorded last", async () => {
      const { store } = await storeFor(make);
      const newest = status("x_2");
      await recordState(store, newest, 7);
      await recordState(store, status("x_1"), 5);
      const kept = await store.retained.get("a", "received", "Thing/x");
      expect(kept).toEqual({ subject: "Thing/x", version: 7, event: received(newest, 7), pending: false });
    });

    it("forgets a subject the peer deleted: received, sent and pending state of that resource, not its commands", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      await accept(store, "a", command("x_1"));
      await accept(store, "a", spec("y_1"));
      await recordState(store, status("x_1"), 1);
      const forget = { resourceid: "x_1", version: 2, retain: { forget: "Thing/x" } };
      await record(store, "a", [forget]);
      expect(await store.retained.get("a", "received", "Thing/x")).toBeUndefined();
      expect(await store.retained.get("a", "sent", "Thing/x")).toBeUndefined();
      expect(await pendingVersions(store, "a")).toEqual([2, 3]);
      expect((await store.stats("a"))?.pending).toBe(2);
    });

    it("does not forget another resource under the same name", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_2"));
      await recordState(store, status("x_2"), 3);
      await record(store, "a", [{ resourceid: "x_1", version: 4, retain: { forget: "Thing/x" } }]);
      expect(await store.retained.get("a", "received", "Thing/x")).toMatchObject({ version: 3 });
      expect(await store.retained.get("a", "sent", "Thing/x")).toMatchObject({ version: 1 });
      expect(await pendingVersions(store, "a")).toEqual([1]);
    });

    it("keeps the retained state of what became a dead letter, no longer pending", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      const { lease } = await hold(store, "a");
      await lease.deadLetter(1, REASON);
      expect(await store.retained.get("a", "sent", "Thing/x")).toMatchObject({ version: 1, pending: false });
    });

    it("refuses a page that is not 1 to 1,000", async () => {
      const { store } = await storeFor(make);
      const wrong = { code: "invalid_config" };
      for (const limit of [0, 1_001, 1.5]) {
        await expect(store.retained.list("a", "sent", { limit })).rejects.toMatchObject(wrong);
        await expect(store.peers({ limit })).rejects.toMatchObject(wrong);
      }
      expect(await store.peers({ limit: 1_000 })).toEqual([]);
    });
  });
}
