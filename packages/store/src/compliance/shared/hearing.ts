import { describe, expect, it } from "vitest";
import { accept, claim, command, spec, type Held } from "../harness.js";
import { heardBy, shared, type MakeShared, type World } from "./harness.js";

const PEERS = ["p0", "p1", "p2", "p3"] as const;
const ROUNDS = 10;

/** Each mailbox is held by one client, and all append to all of them. */
async function holdAndAppend(world: World): Promise<ReadonlyMap<string, Held>> {
  const { clients } = world;
  const holders = new Map<string, Held>();
  for (const [index, peer] of PEERS.entries()) {
    const client = clients[index % clients.length] ?? world.a;
    holders.set(peer, await claim(client.store, peer));
  }
  const write = async ({ store }: (typeof clients)[number]): Promise<void> => {
    for (let round = 0; round < ROUNDS; round += 1)
      await store.append(
        PEERS.flatMap((peer) => [
          { peer, event: command("x_1") },
          { peer, event: spec(`y${round % 3}_1`) },
        ]),
      );
  };
  await Promise.all(clients.flatMap((client) => [write(client), write(client)]));
  return holders;
}

export function sharedHearingCompliance(make: MakeShared): void {
  describe("what the holder hears", () => {
    for (const notifications of ["all", "none"] as const) {
      it(
        `is everything, once and in order, wherever it was appended, with ${notifications} of the notifications`,
        shared(
          make,
          async (world) => {
            const holders = await holdAndAppend(world);
            for (const [peer, held] of holders) {
              const position = world.clients.length * 2 * ROUNDS * 2;
              const pending = (await held.lease.read(0, 10_000)).map(({ version }) => version);
              expect(pending.at(-1)).toBe(position);
              await world.until(async () => {
                const heard = await heardBy(held, position);
                expect(pending.filter((version) => !heard.includes(version))).toEqual([]);
              });
              expect(held.losses).toEqual([]);
              expect((await world.a.store.stats(peer))?.pending).toBe(pending.length);
            }
          },
          { notifications },
        ),
      );

      it(
        `is that another client has its mailbox, with ${notifications} of the notifications`,
        shared(
          make,
          async ({ a, b, until }) => {
            const old = await claim(a.store, "a");
            const present = await claim(b.store, "a");
            expect(present.lease.epoch).toBe(old.lease.epoch + 1);
            await until(() => expect(old.losses).toEqual(["taken"]));
            await expect(old.lease.read(0, 10)).rejects.toMatchObject({ code: "superseded" });
            await accept(a.store, "a", command("x_1"));
            await until(async () => expect(await heardBy(present, 1)).toEqual([1]));
            expect(old.events).toEqual([]);
            expect(old.mores).toEqual([]);
            expect(present.losses).toEqual([]);
          },
          { notifications },
        ),
      );

      it(
        `is what another client purges, or that it has to begin again, with ${notifications} of the notifications`,
        shared(
          make,
          async ({ a, b, until }) => {
            for (let n = 0; n < 3; n += 1) await accept(b.store, "a", command("x_1"));
            const held = await claim(a.store, "a");
            await held.lease.read(0, 2);
            for (const version of [1, 2]) held.sent.add(version);
            const purged = await b.store.purge("a");
            expect(purged).toMatchObject({ purged: 3, left: 0 });
            expect(purged.inFlight).toBeGreaterThanOrEqual(2);
            expect(purged.inFlight).toBeLessThanOrEqual(3);
            await until(() =>
              expect([[...held.losses], held.gone.map(({ version }) => version)]).toEqual(
                held.losses.length > 0 ? [["resync"], []] : [[], [1, 2, 3]],
              ),
            );
            if (notifications === "all") expect(held.losses).toEqual([]);
            await until(() => expect(held.losses.length + held.gone.length).toBeGreaterThan(0));
            expect(await (await claim(a.store, "a")).lease.read(0, 10)).toEqual([]);
          },
          { notifications },
        ),
      );
    }
  });
}
