import { createVirtualRuntime } from "@hawser/testkit";
import { expect, it } from "vitest";
import { accept, claim, command, refusal } from "../compliance/harness.js";
import { follow } from "../compliance/shared/harness.js";
import {
  createSharedMemoryEngine,
  type SharedClientOptions,
  type SharedMemoryClient,
  type SharedMemoryOptions,
} from "./shared-memory-engine.js";

const LATENCY_MS = 10;

/** Two clients, each 10 ms away from the server, and time in steps. */
async function pair(options: SharedClientOptions = {}, network: SharedMemoryOptions = {}) {
  const world = createVirtualRuntime({ seed: 1 });
  const { runtime } = world;
  const latencyMs = { min: LATENCY_MS, max: LATENCY_MS };
  const engine = createSharedMemoryEngine({ runtime, latencyMs, ...network });
  const client = async (name: string): Promise<SharedMemoryClient> => {
    const made = engine.client(name, options);
    await after(made.store.start(), 100);
    return made;
  };
  const after = async <T>(promise: Promise<T>, ms: number): Promise<T> => {
    await world.advance(ms);
    return promise;
  };
  const [a, b] = [await client("a"), await client("b")];
  return { world, engine, client, after, a, b };
}

const append = (key: string) => [{ peer: "a", event: command("x_1"), idempotencyKey: key }];

it("answers unavailable for what never arrived, and unknown for what did", async () => {
  const { world, after, a, b } = await pair();
  const undelivered = a.store.append(append("one"));
  await world.advance(LATENCY_MS / 2);
  a.partition()();
  expect(refusal((await after(undelivered, 0))[0])).toEqual({
    reason: "unavailable",
    code: "store_unavailable",
  });
  const delivered = a.store.append(append("two"));
  await world.advance(LATENCY_MS * 1.5);
  a.partition()();
  expect(refusal((await after(delivered, 0))[0]).reason).toBe("unknown");
  expect(await after(b.store.stats("a"), 100)).toMatchObject({ pending: 1 });
  expect(await after(a.store.append(append("one")), 100)).toEqual([
    { ok: true, version: 2, duplicate: false },
  ]);
  expect(await after(a.store.append(append("two")), 100)).toEqual([
    { ok: true, version: 1, duplicate: true },
  ]);
});

it("waits for an answer no longer than it may", async () => {
  const { world, a } = await pair({ requestTimeoutMs: 25 });
  const appending = a.store.append(append("one"));
  await world.advance(15);
  a.partition();
  await world.advance(9);
  expect(await Promise.race([appending, Promise.resolve("waits")])).toBe("waits");
  await world.advance(1);
  expect(refusal((await appending)[0]).reason).toBe("unknown");
});

it("answers overloaded beyond the requests that may be under way, and none of those before are hurt", async () => {
  const { after, a } = await pair({ maxUnderWay: 3 });
  const answers = await after(
    Promise.all(Array.from({ length: 5 }, (_, n) => a.store.append(append(`key-${n}`)))),
    100,
  );
  expect(answers.map(([answer]) => answer?.ok)).toEqual([true, true, true, false, false]);
  expect(refusal(answers[4]?.[0])).toEqual({ reason: "unavailable", code: "overloaded" });
});

it("fences a client whose name another one has taken", async () => {
  const { world, client, after, a } = await pair();
  const status = follow(a.store);
  const held = await after(claim(a.store, "a"), 100);
  const next = await client("a");
  await world.advance(100);
  expect(held.losses).toEqual(["taken"]);
  expect(status.told).toEqual(["ready", "fenced"]);
  expect(refusal((await after(a.store.append(append("one")), 100))[0]).code).toBe("store_unavailable");
  await after(accept(next.store, "a", command("x_1")), 100);
  await world.advance(10_000);
  expect(status.told).toEqual(["ready", "fenced"]);
  await status.end();
});

it("fences it also where it was cut off meanwhile", async () => {
  const { world, client, after, a } = await pair();
  const status = follow(a.store);
  const held = await after(claim(a.store, "a"), 100);
  const heal = a.partition();
  await client("a");
  await world.advance(20_000);
  heal();
  await world.advance(1_000);
  expect(held.losses).toEqual(["unreachable"]);
  expect(status.told).toEqual(["ready", "unreachable", "fenced"]);
  await status.end();
});

it("tells a holder that its own client has claimed the mailbox again, before the claim is answered and whatever gets lost (a session went on beside the one that had taken over)", async () => {
  const { world, after, a } = await pair({}, { lostShare: 1 });
  const first = await after(claim(a.store, "a"), 100);
  const claiming = claim(a.store, "a").then((second) => ({ second, losses: [...first.losses] }));
  await world.advance(100);
  const { second, losses } = await claiming;
  expect(losses).toEqual(["superseded"]);
  await world.advance(10_000);
  expect(first.losses).toEqual(["superseded"]);
  expect(second.losses).toEqual([]);
});

it("says that a lease continues none before it where another client came between, although a claim since then was never answered (a stale inbox was used again)", async () => {
  const { world, after, a, b } = await pair();
  await after(claim(a.store, "a"), 100);
  await after(claim(b.store, "a"), 100);
  const unanswered = claim(a.store, "a").catch((thrown: unknown) => thrown);
  await world.advance(LATENCY_MS * 1.5);
  a.partition()();
  expect(await unanswered).toMatchObject({ code: "store_unavailable" });
  const third = await after(claim(a.store, "a"), 100);
  expect([third.lease.epoch, third.lease.continues]).toEqual([4, false]);
  const fourth = await after(claim(a.store, "a"), 100);
  expect(fourth.lease.continues).toBe(true);
});

it("takes a client that is silent for too long for gone, until it says something", async () => {
  const { world, after, a, b } = await pair();
  await after(claim(a.store, "a"), 100);
  const heal = a.partition();
  await world.advance(25_000);
  expect(await after(b.store.members(), 100)).toHaveLength(2);
  expect((await after(b.store.stats("a"), 100))?.holder?.member).toBe("a");
  await world.advance(10_000);
  expect(await after(b.store.members(), 100)).toHaveLength(1);
  heal();
  await world.advance(5_000);
  expect(await after(b.store.members(), 100)).toHaveLength(2);
});

it("continues nothing after a claim that was granted, but whose answer was lost", async () => {
  const { world, after, a, b } = await pair();
  await after(claim(a.store, "a"), 100);
  await after(claim(b.store, "a"), 100);
  const unanswered = claim(a.store, "a");
  await world.advance(LATENCY_MS * 1.5);
  a.partition()();
  await expect(unanswered).rejects.toMatchObject({ code: "store_unavailable" });
  expect((await after(claim(a.store, "a"), 100)).lease.continues).toBe(false);
  expect((await after(claim(a.store, "a"), 100)).lease.continues).toBe(true);
});

it("answers whoever waits in a client that is killed, and tells its holders nothing", async () => {
  const { world, after, a, b } = await pair();
  const held = await after(claim(a.store, "a"), 100);
  const appending = a.store.append(append("one"));
  a.kill();
  expect(refusal((await appending)[0]).reason).toBe("unavailable");
  await after(claim(b.store, "a"), 100);
  await world.advance(60_000);
  expect(held.losses).toEqual([]);
  await expect(a.store.stats("a")).rejects.toMatchObject({ code: "store_unavailable" });
  await a.store.stop();
});

it("leaves no timer behind when all have stopped", async () => {
  const { world, engine, after, a, b } = await pair();
  const { lease } = await after(claim(a.store, "a"), 100);
  await after(accept(b.store, "a", command("x_1")), 100);
  lease.acknowledge(1);
  const heal = b.partition();
  await after(Promise.all([a.store.stop(), b.store.stop()]), 60_000);
  heal();
  await engine.stop();
  expect(world.pendingTimers).toBe(0);
});
