import { describe, expect, it } from "vitest";
import type { Store } from "../../contract/store.js";
import { accept, claim, command, HOLDER } from "../harness.js";
import { shared, type MakeShared } from "./harness.js";

async function selfOf(store: Store): Promise<string> {
  const self = (await store.members()).filter(({ isSelf }) => isSelf);
  expect(self).toHaveLength(1);
  return self[0]?.name ?? "";
}

export function sharedViewsCompliance(make: MakeShared): void {
  describe("what several clients see", () => {
    it(
      "is each other, and each itself",
      shared(make, async ({ a, b, clients, pass, until }) => {
        const names = await Promise.all(clients.map(({ store }) => selfOf(store)));
        expect(new Set(names).size).toBe(clients.length);
        const [first] = await Promise.all([a.store.members(), pass(1)]);
        expect(first.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
        const seen = async (): Promise<number> =>
          (await a.store.members()).find(({ name }) => name === names[1])?.seenAt ?? 0;
        const before = await seen();
        // One that asks for nothing is alive all the same.
        await until(async () => expect(await seen()).toBeGreaterThan(before));
        await b.store.stop();
        expect((await a.store.members()).map(({ name }) => name)).not.toContain(names[1]);
        await b.store.start();
        expect((await a.store.members()).map(({ name }) => name)).toContain(names[1]);
      }),
    );

    it(
      "is who holds a mailbox, and what is in it, the same for all",
      shared(make, async ({ a, b, clients, until }) => {
        await accept(a.store, "a", command("x_1"));
        await accept(b.store, "b", command("x_1"));
        const held = [await claim(a.store, "a"), await claim(b.store, "b")];
        await claim(a.store, "c");
        const members = [await selfOf(a.store), await selfOf(b.store)];
        for (const { store } of clients) {
          for (const [index, peer] of ["a", "b"].entries())
            expect(await store.stats(peer)).toMatchObject({
              pending: 1,
              holder: { ...HOLDER, member: members[index], epoch: held[index]?.lease.epoch },
            });
          expect(await store.peers({ limit: 10, held: true })).toHaveLength(3);
          expect(await store.totals()).toMatchObject({ peers: 3, held: 3, pending: 2 });
        }
        await held[1]?.lease.close();
        expect((await a.store.stats("b"))?.holder).toBeUndefined();
        expect(await a.store.totals()).toMatchObject({ held: 2 });
        // What a client held that ended without a word is given up with its next life.
        const store = await a.restart();
        await until(async () => expect(await b.store.totals()).toMatchObject({ held: 0, pending: 2 }));
        expect((await store.stats("a"))?.holder).toBeUndefined();
      }),
    );

    it(
      "is whose row changed, whoever changed it",
      shared(make, async ({ a, b, until }) => {
        const seen = new Set<string>();
        const end = a.store.watch({ peer: (name) => void seen.add(name) });
        const heard = async (name: string): Promise<void> => {
          await until(() => expect([...seen]).toContain(name));
          seen.clear();
        };
        // It may begin late.
        await until(async () => {
          await accept(b.store, "a", command("x_1"));
          expect([...seen]).toContain("a");
        });
        seen.clear();
        const { lease } = await claim(b.store, "b");
        await heard("b");
        await lease.close();
        await heard("b");
        await b.store.remove("a");
        await heard("a");
        end();
      }),
    );
  });
}
