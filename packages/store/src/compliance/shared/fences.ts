import { seededRandom } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import type { MailboxLease } from "../../contract/mailbox.js";
import { accept, claim, command, DEAF, HOLDER, spec, type Held } from "../harness.js";
import { heardBy, shared, SUPERSEDED, type MakeShared } from "./harness.js";

const REASON = { code: "handler_rejected", message: "no", at: 1 };
const x = (version: number) => ({ resourceid: "x_1", version });

/** Everything this lease writes has no effect, whatever it is. */
async function expectFenced(lease: MailboxLease, version: number): Promise<void> {
  await expect(lease.begin([{ ...x(99), attempt: 1 }])).rejects.toMatchObject(SUPERSEDED);
  await expect(lease.record([x(99)])).rejects.toMatchObject(SUPERSEDED);
  lease.acknowledge(version, 99);
  lease.settle(99);
  lease.joined();
  await lease.flush();
  expect(await lease.deadLetter(version, REASON)).toBe(false);
}

function takeOverCompliance(make: MakeShared): void {
  it(
    "has no effect once another client has claimed the mailbox, also when the first has it again",
    shared(make, async ({ a, b, until }) => {
      const version = await accept(a.store, "a", command("x_1"));
      const one = await claim(a.store, "a");
      const use = one.lease.use();
      await one.lease.begin([{ ...x(1), attempt: 1 }]);
      const two = await claim(b.store, "a");
      expect(two.lease.continues).toBe(false);
      expect(two.lease.inbox.begun).toEqual(new Map([["x_1", { version: 1, attempts: 1 }]]));
      expect(await two.lease.record([x(1), x(2)])).toMatchObject({ recorded: 2 });
      await expectFenced(one.lease, version);
      const three = await claim(a.store, "a");
      expect(three.lease.continues).toBe(false);
      expect(three.lease.inbox).toEqual({
        settled: 0,
        applied: new Map([["x_1", 2]]),
        begun: new Map(),
      });
      for (const { lease } of [one, two]) await expectFenced(lease, version);
      use.release();
      await until(() => expect([one.losses, two.losses]).toEqual([["taken"], ["taken"]]));
      expect((await three.lease.read(0, 10)).map((entry) => entry.version)).toEqual([version]);
      expect(await b.store.standing("a")).toEqual(three.lease.standing);
      expect(await three.lease.record([x(3)])).toMatchObject({ recorded: 3 });
      const four = await claim(a.store, "a");
      expect(four.lease.continues).toBe(true);
      expect(four.lease.inbox.applied).toEqual(new Map([["x_1", 3]]));
      expect(await three.lease.record([x(4)])).toMatchObject({ recorded: 4 });
    }),
  );

  it(
    "is decided with the claim: a record is before it, and in its inbox, or it is refused",
    shared(make, async ({ a, b, pass }) => {
      const random = seededRandom(7);
      let holder = (await claim(a.store, "a")).lease;
      // An engine in memory commits within promise jobs, and one with a network takes its time.
      const moment = async (round: number): Promise<void> => {
        if (round % 4 < 2) return pass(random.next() * 12);
        for (let job = random.next() * 40; job > 1; job -= 1) await Promise.resolve();
      };
      for (let round = 1; round <= 80; round += 1) {
        const { store } = round % 2 === 0 ? a : b;
        const present = holder;
        const late = moment(round).then(() => present.record([x(round)]));
        const recording = late.then(
          () => true,
          (thrown: unknown) => {
            expect(thrown).toMatchObject(SUPERSEDED);
            return false;
          },
        );
        await moment(round);
        const { lease } = await claim(store, "a");
        expect(lease.inbox.applied.get("x_1") === round).toBe(await recording);
        holder = lease;
      }
    }),
  );

  it(
    "is fenced after a restart of the client as after another one",
    shared(make, async ({ a }) => {
      const before = await claim(a.store, "a");
      await before.lease.record([x(1)]);
      const store = await a.restart();
      await expect(before.lease.record([x(2)])).rejects.toBeDefined();
      const present = await claim(store, "a");
      expect(present.lease.continues).toBe(false);
      expect(present.lease.inbox.applied).toEqual(new Map([["x_1", 1]]));
      await expect(before.lease.record([x(2)])).rejects.toBeDefined();
      expect((await claim(store, "a")).lease.inbox.applied).toEqual(new Map([["x_1", 1]]));
    }),
  );
}

function claimCompliance(make: MakeShared): void {
  it(
    "changes nothing where the claim throws, whoever competes for it",
    shared(make, async ({ a, b }) => {
      await accept(a.store, "a", command("x_1"));
      const held = await claim(a.store, "a");
      const refuse = (): never => {
        throw new Error("not you");
      };
      const refused = Array.from({ length: 5 }, () =>
        expect(b.store.open("a", HOLDER, refuse, DEAF)).rejects.toThrow("not you"),
      );
      const busy = Array.from({ length: 5 }, (_, n) => held.lease.record([x(n + 1)]));
      await Promise.all([...refused, ...busy]);
      expect(held.losses).toEqual([]);
      expect(await held.lease.read(0, 10)).toHaveLength(1);
      const standing = await b.store.standing("a");
      const [again] = await Promise.all([
        claim(a.store, "a"),
        expect(b.store.open("a", HOLDER, refuse, DEAF)).rejects.toThrow("not you"),
      ]);
      expect(again.found.standing).toEqual(standing);
      expect(again.lease).toMatchObject({ epoch: held.lease.epoch + 1, continues: true });
    }),
  );

  it(
    "gives each of those who claim at once an epoch of its own, and the mailbox to the last",
    shared(make, async ({ clients, a, until }) => {
      const epochs = new Set<number>();
      for (let round = 1; round <= 10; round += 1) {
        const all = await Promise.allSettled(clients.map(({ store }) => claim(store, "a")));
        const held: Held[] = [];
        for (const one of all) {
          if (one.status === "fulfilled") held.push(one.value);
          else expect(one.reason).toMatchObject(SUPERSEDED);
        }
        held.sort((one, other) => one.lease.epoch - other.lease.epoch);
        for (const { lease } of held) {
          expect(epochs.has(lease.epoch)).toBe(false);
          epochs.add(lease.epoch);
        }
        const winner = held.pop() ?? expect.fail("nobody has it");
        await until(() => {
          for (const loser of held) expect(loser.losses).toEqual(["taken"]);
        });
        const version = await accept(a.store, "a", command("x_1"));
        await until(async () => expect(await heardBy(winner, version)).toContain(version));
        expect(winner.losses).toEqual([]);
        for (const loser of held) expect(loser.events).toEqual([]);
      }
    }),
  );

  it(
    "counts out once what is superseded here and acknowledged there",
    shared(make, async ({ a, b, pass }) => {
      const random = seededRandom(3);
      const { lease } = await claim(b.store, "a");
      let version = await accept(a.store, "a", spec("x_1"));
      for (let round = 0; round < 20; round += 1) {
        await lease.read(0, 10);
        lease.acknowledge(version);
        const flushing = pass(random.next() * 8).then(() => lease.flush());
        const superseding = pass(random.next() * 8).then(() => accept(a.store, "a", spec("x_1")));
        [version] = await Promise.all([superseding, flushing]);
        const pending = await lease.read(0, 10);
        expect(pending.map((entry) => entry.version)).toEqual([version]);
        expect(await a.store.stats("a")).toMatchObject({ pending: 1, bytes: pending[0]?.bytes });
      }
    }),
  );
}

export function sharedFenceCompliance(make: MakeShared): void {
  describe("what a holder writes", () => takeOverCompliance(make));
  describe("claims of several clients", () => claimCompliance(make));
}
