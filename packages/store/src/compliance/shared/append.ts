import { seededRandom, type Random } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import type { Append } from "../../contract/mailbox.js";
import type { Store } from "../../contract/store.js";
import { claim, command, spec, versionOf } from "../harness.js";
import { shared, type MakeShared, type World } from "./harness.js";

const PEERS = ["p0", "p1", "p2", "p3", "p4"] as const;
const WRITERS = 6;
const BATCHES = 8;

/** An event that was accepted: what it got, and when it was asked and answered, in steps of the test. */
interface Accepted {
  readonly peer: string;
  readonly version: number;
  readonly duplicate: boolean;
  readonly key: string | undefined;
  readonly asked: number;
  readonly answered: number;
}

function randomBatch(random: Random, writer: string, number: number): readonly Append[] {
  const peers = PEERS.map((peer) => ({ peer, place: random.next() })).toSorted((x, y) => x.place - y.place);
  return peers.map(({ peer }) => {
    const event = random.next() < 0.3 ? spec(`x${Math.floor(random.next() * 3)}_1`) : command("x_1");
    const roll = random.next();
    // Some keys are of this writer alone, and some several of them use.
    if (roll < 0.2) return { peer, event, idempotencyKey: `${writer}-${number}` };
    if (roll < 0.4) return { peer, event, idempotencyKey: `any-${number}` };
    return { peer, event };
  });
}

async function appendAtOnce({ clients }: World, seed: number): Promise<readonly Accepted[]> {
  const accepted: Accepted[] = [];
  let step = 0;
  const write = async (store: Store, writer: string): Promise<void> => {
    const random = seededRandom(seed + writer.length * 31 + writer.charCodeAt(0) * 7 + writer.charCodeAt(2));
    for (let number = 0; number < BATCHES; number += 1) {
      const batch = randomBatch(random, writer, number);
      const asked = step++;
      const answers = await store.append(batch);
      const answered = step++;
      for (const [index, { peer, idempotencyKey: key }] of batch.entries()) {
        const answer = answers[index];
        const duplicate = answer?.ok === true && answer.duplicate;
        accepted.push({ peer, version: versionOf(answer), duplicate, key, asked, answered });
      }
    }
  };
  const writers = clients.flatMap(({ store }, client) =>
    Array.from({ length: WRITERS }, (_, writer) => write(store, `${client}-${writer}`)),
  );
  await Promise.all(writers);
  return accepted;
}

/** What was answered before something else was asked for has the lower version. */
function expectOrderOfCommits(made: readonly Accepted[]): void {
  let earliest = Number.POSITIVE_INFINITY;
  for (const { asked, answered } of made.toReversed()) {
    expect(asked).toBeLessThan(earliest);
    earliest = Math.min(earliest, answered);
  }
}

/** Raises a number in a state, over and over, each time on top of the version it has read. */
async function count(store: Store, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const state = await store.retained.get("a", "sent", "Thing/x");
    const data = state?.event.data;
    const before = typeof data === "number" ? data : 0;
    const event = spec("x_1", { data: before + 1 });
    const [answer] = await store.append([{ peer: "a", event, expectedVersion: state?.version ?? 0 }]);
    if (answer?.ok === true) done += 1;
    else expect(answer?.reason).toBe("conflict");
  }
}

export function sharedAppendCompliance(make: MakeShared): void {
  describe("append by several clients", () => {
    for (const seed of [1, 2, 3]) {
      it(
        `gives versions without gaps, in the order of commits, and each key one, seed ${seed}`,
        shared(make, async (world) => {
          const accepted = await appendAtOnce(world, seed);
          for (const peer of PEERS) {
            const all = accepted.filter((one) => one.peer === peer);
            const made = all.filter(({ duplicate }) => !duplicate).toSorted((x, y) => x.version - y.version);
            expect(made.map(({ version }) => version)).toEqual(made.map((_, index) => index + 1));
            expectOrderOfCommits(made);
            const byKey = new Map<string, number>();
            for (const { key, version } of made) if (key !== undefined) byKey.set(key, version);
            for (const { key, version } of all) if (key !== undefined) expect(version).toBe(byKey.get(key));
            const stats = await world.a.store.stats(peer);
            expect(stats?.lastVersion).toBe(made.length);
            const { lease } = await claim(world.b.store, peer);
            const pending = await lease.read(0, 10_000);
            expect(stats).toMatchObject({
              pending: pending.length,
              bytes: pending.reduce((sum, { bytes }) => sum + bytes, 0),
            });
          }
        }),
      );
    }

    it(
      "holds an expected version against what anybody has appended",
      shared(make, async ({ clients, a }) => {
        await Promise.all(clients.flatMap(({ store }) => [count(store, 10), count(store, 10)]));
        const total = clients.length * 20;
        const state = await a.store.retained.get("a", "sent", "Thing/x");
        expect(state).toMatchObject({ version: total, event: { data: total } });
      }),
    );

    it(
      "has limits that are those of all of them together",
      shared(
        make,
        async ({ a, b }) => {
          const batch = Array.from({ length: 4 }, () => ({ peer: "a", event: command("x_1") }));
          const answers = (await Promise.all([a.store.append(batch), b.store.append(batch)])).flat();
          expect(answers.filter(({ ok }) => ok)).toHaveLength(5);
          for (const answer of answers) if (!answer.ok) expect(answer.reason).toBe("full");
          expect((await a.store.stats("a"))?.pending).toBe(5);
        },
        { limits: { maxEntries: 5 } },
      ),
    );
  });
}
