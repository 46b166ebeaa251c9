import { describe, expect, it } from "vitest";
import { accept, claim, command, deletion, received, refusal, spec, status } from "../harness.js";
import { heardBy, shared, SUPERSEDED, type MakeShared } from "./harness.js";

const REASON = { code: "handler_rejected", message: "no", at: 1 };

function peerCompliance(make: MakeShared): void {
  it(
    "removes a peer: its holder loses it, and what that still writes is refused",
    shared(make, async ({ a, b, until }) => {
      await accept(a.store, "a", spec("x_1"));
      const held = await claim(a.store, "a");
      await held.lease.record([{ resourceid: "x_1", version: 1 }]);
      expect(await b.store.remove("a", { tombstone: { at: 5 } })).toBe("removed");
      await until(() => expect(held.losses).toEqual(["superseded"]));
      const late = [{ resourceid: "x_1", version: 2 }];
      await expect(held.lease.record(late)).rejects.toMatchObject(SUPERSEDED);
      expect(await a.store.tombstone("a")).toEqual({ peer: "a", at: 5 });
      await expect(claim(a.store, "a")).rejects.toMatchObject({ code: "agent_removed" });
      const [answer] = await a.store.append([{ peer: "a", event: command("x_1") }]);
      expect(refusal(answer).code).toBe("agent_removed");
      expect(await a.store.readmit("a")).toBe(true);
      expect(await b.store.readmit("a")).toBe(false);
      const again = await claim(a.store, "a");
      expect(again.lease.continues).toBe(false);
      expect(again.lease.inbox.applied.size).toBe(0);
      expect(again.lease.epoch).toBeGreaterThan(held.lease.epoch);
      await expect(held.lease.record(late)).rejects.toMatchObject(SUPERSEDED);
      expect(await accept(b.store, "a", command("x_1"))).toBeGreaterThan(1);
    }),
  );

  it(
    "removes nothing where an event is pending that another client has appended",
    shared(make, async ({ a, b }) => {
      await accept(a.store, "a", command("x_1"));
      expect(await b.store.remove("a", { ifNothingPending: true })).toBe("pending");
      const { lease } = await claim(a.store, "a");
      lease.acknowledge(1);
      await lease.flush();
      expect(await b.store.remove("a", { ifNothingPending: true })).toBe("removed");
    }),
  );

  it(
    "sends a dead letter again, of which its holder hears, or throws it away",
    shared(make, async ({ a, b, until }) => {
      for (const resource of ["x_1", "y_1"]) await accept(b.store, "a", command(resource));
      const held = await claim(a.store, "a");
      for (const version of [1, 2]) await held.lease.deadLetter(version, REASON);
      expect(await b.store.deadLetters("a", { limit: 10 })).toHaveLength(2);
      expect(await b.store.requeue("a", 1)).toMatchObject({ ok: true, version: 3 });
      await until(async () => expect(await heardBy(held, 3)).toEqual([3]));
      expect(await b.store.discard("a", 2)).toBe(true);
      expect(await a.store.discard("a", 2)).toBe(false);
      expect(await a.store.stats("a")).toMatchObject({ pending: 1, deadLetters: 0 });
    }),
  );

  it(
    "counts what was purged once, where several purge at once",
    shared(make, async ({ a, b }) => {
      await a.store.append(Array.from({ length: 2_500 }, () => ({ peer: "a", event: command("x_1") })));
      const held = await claim(a.store, "a");
      await held.lease.read(0, 10);
      for (let version = 1; version <= 10; version += 1) held.sent.add(version);
      const [one, other] = await Promise.all([a.store.purge("a"), b.store.purge("a")]);
      expect(one.purged + other.purged).toBe(2_500);
      expect(one.inFlight + other.inFlight).toBeGreaterThanOrEqual(10);
      expect([one.left, other.left]).toEqual([0, 0]);
    }),
  );
}

function holderCompliance(make: MakeShared): void {
  it(
    "shows what is acknowledged to all of them once it is flushed, and sends none of it again",
    shared(make, async ({ a, b }) => {
      for (let n = 0; n < 3; n += 1) await accept(b.store, "a", command("x_1"));
      await accept(b.store, "a", spec("y_1"));
      const { lease } = await claim(a.store, "a");
      await lease.read(0, 10);
      for (const version of [1, 3, 4]) lease.acknowledge(version, version);
      lease.joined();
      lease.settle(7);
      expect((await lease.read(0, 10)).map(({ version }) => version)).toEqual([2]);
      await lease.flush();
      expect(await b.store.stats("a")).toMatchObject({ pending: 1 });
      expect(await b.store.retained.get("a", "sent", "Thing/y")).toMatchObject({ pending: false });
      expect((await b.store.standing("a"))?.peer).toMatchObject({ epoch: lease.epoch, recorded: 4 });
      const present = await claim(b.store, "a", "peer-store-1", { first: { limit: 10 } });
      expect(present.lease.first.map(({ version }) => version)).toEqual([2]);
      expect(present.lease.inbox.settled).toBe(7);
    }),
  );

  it(
    "keeps a state beside a sent one as the commit finds that, whoever sent or deleted it",
    shared(make, async ({ a, b }) => {
      const keeping = (resource: string, version: number) => {
        const keep = received(status(resource), version);
        return { resourceid: resource, version, retain: { keep, ifSent: true } } as const;
      };
      const { lease } = await claim(a.store, "a");
      expect(await lease.record([keeping("x_1", 1)])).toMatchObject({ recorded: 0 });
      await accept(b.store, "a", spec("x_1"));
      expect(await lease.record([keeping("x_1", 2)])).toMatchObject({ recorded: 1 });
      expect(await b.store.retained.get("a", "received", "Thing/x")).toMatchObject({ version: 2 });
      const deleted = await accept(b.store, "a", deletion("x_1"));
      for (let version = 3; version <= 8; version += 1) {
        if (version === 5) lease.acknowledge(deleted);
        await lease.record([keeping("x_1", version)]);
      }
      await lease.flush();
      await lease.record([keeping("x_1", 9)]);
      expect(await b.store.retained.get("a", "sent", "Thing/x")).toBeUndefined();
      expect(await b.store.retained.get("a", "received", "Thing/x")).toBeUndefined();
    }),
  );
}

export function sharedOperationsCompliance(make: MakeShared): void {
  describe("a client that does not hold the mailbox", () => peerCompliance(make));
  describe("what one holder leaves to the next", () => holderCompliance(make));
}
