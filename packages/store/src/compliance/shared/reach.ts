import { seededRandom } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import { accept, claim, command, DEAF, HOLDER, refusal } from "../harness.js";
import { follow, heardBy, shared, UNREACHED, type MakeShared } from "./harness.js";

const x = (version: number) => ({ resourceid: "x_1", version });

function cutOffCompliance(make: MakeShared): void {
  it(
    "is answered all the same, each call by itself",
    shared(make, async ({ a, b }) => {
      await accept(a.store, "a", command("x_1"));
      const { lease } = await claim(a.store, "a");
      const heal = a.partition();
      const [appended, requeued, ...others] = await Promise.all([
        a.store.append([
          { peer: "a", event: command("x_1") },
          { peer: "b", event: command("x_1") },
        ]),
        a.store.requeue("a", 1),
        expect(a.store.stats("a")).rejects.toMatchObject(UNREACHED),
        expect(a.store.standing("a")).rejects.toMatchObject(UNREACHED),
        expect(a.store.purge("a")).rejects.toMatchObject(UNREACHED),
        expect(a.store.remove("a")).rejects.toMatchObject(UNREACHED),
        expect(a.store.open("a", HOLDER, () => ({ peerStore: "s" }), DEAF)).rejects.toMatchObject(UNREACHED),
        expect(lease.begin([{ ...x(1), attempt: 1 }])).rejects.toMatchObject(UNREACHED),
        expect(lease.record([x(1)])).rejects.toMatchObject(UNREACHED),
        expect(lease.flush()).rejects.toMatchObject(UNREACHED),
        expect(lease.read(0, 1)).rejects.toBeDefined(),
      ]);
      expect(others).toHaveLength(9);
      for (const answer of [...appended, requeued]) {
        expect(refusal(answer).code).toBe("store_unavailable");
        expect(["unavailable", "unknown"]).toContain(refusal(answer).reason);
      }
      await lease.close();
      heal();
      // Nothing was on its way before the cut.
      expect(await b.store.stats("a")).toMatchObject({ pending: 1, lastVersion: 1 });
    }),
  );

  it(
    "may repeat with its keys what it does not know the end of, and each is accepted once",
    shared(make, async ({ a, b, pass }) => {
      const random = seededRandom(11);
      const keys = Array.from({ length: 15 }, (_, n) => `key-${n}`);
      for (const idempotencyKey of keys) {
        const append = { peer: "a", event: command("x_1"), idempotencyKey };
        const appending = a.store.append([append]);
        await pass(random.next() * 12);
        const heal = a.partition();
        await pass(random.next() * 12);
        heal();
        const [first] = await appending;
        const [again] = await a.store.append([append]);
        const [elsewhere] = await b.store.append([append]);
        expect(again?.ok).toBe(true);
        if (first?.ok === true) expect(again).toEqual({ ...first, duplicate: true });
        else if (first?.reason === "unavailable") expect(again).toMatchObject({ duplicate: false });
        else expect(first?.reason).toBe("unknown");
        expect(elsewhere).toEqual({ ...again, duplicate: true });
      }
      expect(await b.store.stats("a")).toMatchObject({ pending: keys.length, lastVersion: keys.length });
    }),
  );

  it(
    "may have claimed a mailbox nevertheless, which then nobody of it holds",
    shared(make, async ({ a, b, pass, until }) => {
      const random = seededRandom(5);
      for (let round = 0; round < 10; round += 1) {
        const held = await claim(b.store, "a");
        const opening = claim(a.store, "a").then(
          (mine) => mine.lease.close(),
          (thrown: unknown) => expect(thrown).toMatchObject(UNREACHED),
        );
        await pass(random.next() * 12);
        const heal = a.partition();
        await pass(random.next() * 12);
        heal();
        await opening;
        await until(async () => {
          const holder = (await b.store.stats("a"))?.holder;
          expect(holder?.epoch).toBe(held.losses.length === 0 ? held.lease.epoch : undefined);
        });
        expect((await claim(b.store, "a")).lease.epoch).toBeGreaterThan(held.lease.epoch);
      }
    }),
  );
}

function recoveryCompliance(make: MakeShared): void {
  it(
    "hears afterwards what it missed, and has lost nothing, where that was not for long",
    shared(make, async ({ a, b, graceMs, pass, until }) => {
      const held = await claim(a.store, "a");
      const other = await claim(a.store, "b");
      const status = follow(a.store);
      await accept(b.store, "a", command("x_1"));
      const heal = a.partition();
      for (let n = 0; n < 5; n += 1) await accept(b.store, "a", command("x_1"));
      const taken = await claim(b.store, "b");
      await pass(graceMs / 2);
      expect([held.losses, other.losses]).toEqual([[], []]);
      heal();
      await until(async () => expect(await heardBy(held, 6)).toEqual([1, 2, 3, 4, 5, 6]));
      await until(() => expect(other.losses).toEqual(["taken"]));
      await accept(b.store, "a", command("x_1"));
      await until(async () => expect(await heardBy(held, 7)).toContain(7));
      expect(held.losses).toEqual([]);
      expect(taken.losses).toEqual([]);
      expect(status.told).toEqual(["ready"]);
      await status.end();
    }),
  );

  it(
    "loses every mailbox as unreachable where it was, and has them again after it",
    shared(make, async ({ a, b, graceMs, pass, until }) => {
      const [one, two] = [await claim(a.store, "a"), await claim(a.store, "b")];
      await one.lease.record([x(1)]);
      const status = follow(a.store);
      const heal = a.partition();
      await pass(graceMs / 2);
      const taken = await claim(b.store, "b");
      await taken.lease.record([x(2)]);
      await until(() => expect([one.losses, two.losses]).toEqual([["unreachable"], ["unreachable"]]));
      expect(status.told).toEqual(["ready", "unreachable"]);
      await expect(one.lease.read(0, 1)).rejects.toMatchObject({ code: "aborted" });
      heal();
      await until(() => expect(status.told).toEqual(["ready", "unreachable", "ready"]));
      await status.end();
      // Nobody else has had this one.
      expect(await one.lease.record([x(2)])).toMatchObject({ recorded: 2 });
      await expect(two.lease.record([x(3)])).rejects.toMatchObject({ code: "superseded" });
      expect(taken.losses).toEqual([]);
      const again = [await claim(a.store, "a"), await claim(a.store, "b")];
      expect(again.map(({ lease }) => lease.continues)).toEqual([true, false]);
      expect(again.map(({ lease }) => lease.inbox.applied.get("x_1"))).toEqual([2, 2]);
      await accept(b.store, "a", command("x_1"));
      await until(async () => expect(again[0] && (await heardBy(again[0], 1))).toEqual([1]));
      expect([one.losses, two.losses]).toEqual([["unreachable"], ["unreachable"]]);
    }),
  );

  it(
    "writes afterwards what was acknowledged before it was cut off",
    shared(make, async ({ a, b, until }) => {
      const version = await accept(b.store, "a", command("x_1"));
      const { lease } = await claim(a.store, "a");
      const heal = a.partition();
      lease.acknowledge(version);
      await expect(lease.flush()).rejects.toMatchObject(UNREACHED);
      heal();
      await until(async () => expect(await b.store.stats("a")).toMatchObject({ pending: 0 }));
    }),
  );
}

export function sharedReachCompliance(make: MakeShared): void {
  describe("a client that is cut off", () => cutOffCompliance(make));
  describe("a client that was cut off", () => recoveryCompliance(make));
}
