import { describe, expect, it } from "vitest";
import {
  accept,
  command,
  deletion,
  expectEntry,
  hold,
  pendingVersions,
  refusal,
  spec,
  status,
  storeFor,
  versionOf,
  type MakeStore,
} from "./harness.js";

export function appendCompliance(make: MakeStore): void {
  describe("append", () => {
    it("gives versions from 1 in the order of the batch, each mailbox by itself", async () => {
      const { store } = await storeFor(make);
      const answers = await store.append([
        { peer: "a", event: command("x_1") },
        { peer: "b", event: command("x_1") },
        { peer: "a", event: spec("y_1") },
      ]);
      expect(answers.map(versionOf)).toEqual([1, 1, 2]);
      expect(await accept(store, "a", command("z_1"))).toBe(3);
    });

    it("answers an empty batch with nothing", async () => {
      const { store } = await storeFor(make);
      expect(await store.append([])).toEqual([]);
    });

    it("keeps every attribute, JSON of any shape, and bytes", async () => {
      const { store } = await storeFor(make);
      const events = [
        command("x_1", {
          data: { a: [1, null, true, { b: "ü\u0000\ud83d\ude00\n" }] },
          traceparent: "00-1",
          n: 3,
        }),
        command("x_1", {
          data: new Uint8Array([0, 255, 128, 10]),
          datacontenttype: "application/octet-stream",
        }),
        command("x_1", {
          data: "plain text",
          datacontenttype: "text/plain",
          expirytime: "2030-01-01T00:00:00Z",
        }),
        command("x_1", { data: null }),
      ];
      await store.append(events.map((event) => ({ peer: "a", event })));
      const { lease } = await hold(store, "a");
      const entries = await lease.read(0, 10);
      events.forEach((event, index) => expectEntry(entries[index], index + 1, event));
      expect(entries[1]?.event.data).toBeInstanceOf(Uint8Array);
    });

    it("keeps peers and resources with odd names apart", async () => {
      const { store } = await storeFor(make);
      const names = [
        "a",
        "a\u0000",
        "a\u0000b",
        "a\u0001",
        "a.b",
        "a-b",
        "\ue000",
        "\ud83d\ude00",
        "\uffff",
        "",
      ];
      for (const name of names) await accept(store, name, spec(`${name}_1`));
      for (const name of names) {
        expect(await pendingVersions(store, name)).toEqual([1]);
        for (const other of names) await accept(store, name, status(`${other}_2`));
        await accept(store, name, deletion(`${name}_2`));
        expect(await pendingVersions(store, name)).toHaveLength(names.length + 1);
      }
    });

    it("lets a state supersede the pending one of its class and resource, and nothing else", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      await accept(store, "a", status("x_1"));
      await accept(store, "a", command("x_1"));
      await accept(store, "a", spec("x_2"));
      await accept(store, "b", spec("x_1"));
      expect(await accept(store, "a", spec("x_1"))).toBe(5);
      expect(await pendingVersions(store, "a")).toEqual([2, 3, 4, 5]);
      expect(await pendingVersions(store, "b")).toEqual([1]);
      expect((await store.stats("a"))?.pending).toBe(4);
    });

    it("lets a delete supersede every pending state of its resource, but no command", async () => {
      const { store } = await storeFor(make);
      for (const event of [command("x_1"), spec("x_1"), status("x_1"), command("x_1"), command("x_10")]) {
        await accept(store, "a", event);
      }
      await accept(store, "a", deletion("x_1"));
      expect(await pendingVersions(store, "a")).toEqual([1, 4, 5, 6]);
      await accept(store, "a", deletion("x_1"));
      expect(await pendingVersions(store, "a")).toEqual([1, 4, 5, 7]);
    });

    it("supersedes within one batch as well", async () => {
      const { store } = await storeFor(make);
      const holder = await hold(store, "a");
      const events = [spec("x_1"), command("x_1"), spec("x_1"), deletion("x_1"), spec("y_1"), spec("y_1")];
      const answers = await store.append(events.map((event) => ({ peer: "a", event })));
      expect(answers.map(versionOf)).toEqual([1, 2, 3, 4, 5, 6]);
      expect((await holder.lease.read(0, 10)).map((entry) => entry.version)).toEqual([2, 4, 6]);
      expect((await store.stats("a"))?.pending).toBe(3);
    });

    it("accepts an idempotency key once per peer and answers a repeat with the first version", async () => {
      const { store } = await storeFor(make);
      const first = { peer: "a", event: command("x_1"), idempotencyKey: "key" };
      const [one, two] = await store.append([first, { ...first, event: command("x_1") }]);
      const [three] = await store.append([first]);
      const [other] = await store.append([{ ...first, peer: "b" }]);
      expect(one).toEqual({ ok: true, version: 1, duplicate: false });
      expect(two).toEqual({ ok: true, version: 1, duplicate: true });
      expect(three).toEqual({ ok: true, version: 1, duplicate: true });
      expect(other).toEqual({ ok: true, version: 1, duplicate: false });
      expect(await pendingVersions(store, "a")).toEqual([1]);
    });

    it("does not use up a key, nor a version, for what it refuses", async () => {
      const { store } = await storeFor(make);
      const append = { peer: "a", event: spec("x_1"), idempotencyKey: "key" };
      const [conflicting] = await store.append([{ ...append, expectedVersion: 7 }]);
      expect(refusal(conflicting).reason).toBe("conflict");
      expect(await store.stats("a")).toBeUndefined();
      expect((await store.append([append]))[0]).toEqual({ ok: true, version: 1, duplicate: false });
    });

    it("holds an expected version against the retained state of the subject", async () => {
      const { store } = await storeFor(make);
      const append = (event: ReturnType<typeof spec>, expectedVersion: number) =>
        store.append([{ peer: "a", event, expectedVersion }]);
      expect((await append(spec("x_1"), 0))[0]).toMatchObject({ ok: true, version: 1 });
      expect(refusal((await append(spec("x_1"), 0))[0])).toEqual({ reason: "conflict", code: "conflict" });
      expect(refusal((await append(spec("x_1"), 2))[0]).reason).toBe("conflict");
      expect((await append(spec("x_1"), 1))[0]).toMatchObject({ ok: true, version: 2 });
      expect((await append(spec("other_1"), 0))[0]).toMatchObject({ ok: true, version: 3 });
    });

    it("goes on comparing once the state is acknowledged", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      const { lease } = await hold(store, "a");
      lease.acknowledge(1);
      await lease.close();
      const [stale] = await store.append([{ peer: "a", event: spec("x_1"), expectedVersion: 0 }]);
      const [right] = await store.append([{ peer: "a", event: spec("x_1"), expectedVersion: 1 }]);
      expect(refusal(stale).reason).toBe("conflict");
      expect(right).toMatchObject({ ok: true, version: 2 });
    });

    it("takes a retained delete as its version and as none, so that what was deleted can be made anew", async () => {
      const { store } = await storeFor(make);
      await accept(store, "a", spec("x_1"));
      await accept(store, "a", deletion("x_1"));
      const [wrong] = await store.append([{ peer: "a", event: spec("x_2"), expectedVersion: 1 }]);
      expect(refusal(wrong).reason).toBe("conflict");
      const [anew] = await store.append([{ peer: "a", event: spec("x_2"), expectedVersion: 0 }]);
      expect(anew).toMatchObject({ ok: true, version: 3 });
      await accept(store, "a", deletion("x_2"));
      const [exact] = await store.append([{ peer: "a", event: spec("x_3"), expectedVersion: 4 }]);
      expect(exact).toMatchObject({ ok: true, version: 5 });
    });

    it("lets one item's failure leave the others alone", async () => {
      const { store } = await storeFor(make);
      const answers = await store.append([
        { peer: "a", event: spec("x_1") },
        { peer: "a", event: spec("x_1"), expectedVersion: 9 },
        { peer: "a", event: command("x_1") },
      ]);
      expect(answers.map((answer) => answer.ok)).toEqual([true, false, true]);
      expect(await pendingVersions(store, "a")).toEqual([1, 2]);
    });

    it("keeps concurrent appends apart, without gaps and without repeats", async () => {
      const { store } = await storeFor(make);
      const batches = Array.from({ length: 40 }, (_, batch) =>
        Array.from({ length: 25 }, () => ({ peer: `p${batch % 4}`, event: command("x_1") })),
      );
      const answers = await Promise.all(batches.map((batch) => store.append(batch)));
      for (const peer of [0, 1, 2, 3]) {
        const versions = answers
          .filter((_, batch) => batch % 4 === peer)
          .flatMap((list) => list.map(versionOf));
        versions.sort((x, y) => x - y);
        expect(versions).toEqual(Array.from({ length: 250 }, (_, index) => index + 1));
        expect(await pendingVersions(store, `p${peer}`)).toEqual(versions);
      }
    });
  });
}
