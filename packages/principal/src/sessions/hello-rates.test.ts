import { encodeControl, HawserError, parseMessage } from "@hawser/protocol";
import { DEFAULT_RECONNECT_TIMING } from "@hawser/session";
import { createMemoryStore, type Claim, type Store } from "@hawser/store";
import { createVirtualRuntime } from "@hawser/testkit";
import { createMemoryTransport } from "@hawser/transport";
import { expect, it } from "vitest";
import { createPrincipal } from "../create-principal.js";
import { BareAgent } from "../testing/bare-agent.js";
import {
  HelloRates,
  MAX_HELLO_BURST,
  MAX_HELLOS_PER_SECOND,
  MAX_NEW_STORE_BURST,
  MAX_NEW_STORES_PER_MINUTE,
} from "./hello-rates.js";

const HOUR_MS = 3_600_000;
const { backoffMinMs, backoffMaxMs } = DEFAULT_RECONNECT_TIMING;

it("lets an agent in that comes as often as its backoff allows, and another of its name that does the same", () => {
  const rates = new HelloRates(0);
  for (let now = 0; now < HOUR_MS; now += backoffMinMs) {
    expect(rates.take(false, now)).toBe(true);
    expect(rates.take(false, now + 1)).toBe(true);
  }
});

it("lets two machines of one name in, each with a store of its own, which take each other over for an hour", () => {
  const rates = new HelloRates(0);
  const next = [0, 1];
  const waits = [backoffMinMs, backoffMinMs];
  let taken = 0;
  for (;;) {
    const which = (next[0] ?? 0) <= (next[1] ?? 0) ? 0 : 1;
    const now = next[which] ?? 0;
    if (now > HOUR_MS) break;
    expect(rates.take(true, now)).toBe(true);
    taken += 1;
    // A wait is drawn between the least of all and this; on average it is half of it.
    next[which] = now + Math.max(backoffMinMs, (waits[which] ?? 0) / 2);
    waits[which] = Math.min(backoffMaxMs, (waits[which] ?? 0) * 2);
  }
  expect(taken).toBeGreaterThan(100);
});

it.each([
  ["hellos", false, MAX_HELLO_BURST, MAX_HELLOS_PER_SECOND * 60],
  ["new stores", true, MAX_NEW_STORE_BURST, MAX_NEW_STORES_PER_MINUTE],
])("of one that never stops, lets in so many %s a minute", (_, beginsAnew, burst, perMinute) => {
  const rates = new HelloRates(0);
  let taken = 0;
  for (let now = 0; now < 10 * 60_000; now += 10) if (rates.take(beginsAnew, now)) taken += 1;
  expect(Math.abs(taken - (burst + 10 * perMinute))).toBeLessThanOrEqual(1);
});

it("a claim that the store tries again and again is one hello", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const { runtime } = world;
  const store = createMemoryStore({ runtime });
  const retrying: Store = Object.create(store, {
    id: { get: () => store.id },
    use: { value: () => store.use() },
    stats: { value: (peer: string) => store.stats(peer) },
    tombstone: { value: (peer: string) => store.tombstone(peer) },
    open: {
      value: (...[peer, holder, claim, on]: Parameters<Store["open"]>) => {
        const tried: Claim = (found) => {
          for (let tries = 0; tries < MAX_HELLO_BURST; tries += 1) claim(found);
          return claim(found);
        };
        return store.open(peer, holder, tried, on);
      },
    },
  });
  const transport = createMemoryTransport({ timers: runtime.timers });
  const principal = createPrincipal({
    store: retrying,
    runtime,
    acceptors: [transport.acceptor],
    stop: { windowMs: 0 },
  });
  await principal.start();
  const agent = new BareAgent(world, transport);
  await agent.store.start();
  const isOverloaded = (): boolean => agent.ends.some(({ kind }) => kind === "retryAfter");
  let hellos = 0;
  for (; !isOverloaded() && hellos < 2 * MAX_HELLO_BURST; hellos += 1) await agent.connect();
  // A few more than at once, as time goes by meanwhile.
  expect(hellos).toBeGreaterThan(MAX_HELLO_BURST);
  expect(hellos).toBeLessThan(1.2 * MAX_HELLO_BURST);

  const stopped = principal.stop();
  await world.advance(60_000);
  await stopped;
});

it("an agent that has another store each time it comes is told to come later, and nobody else is", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const { runtime } = world;
  const store = createMemoryStore({ runtime });
  const { acceptor, dialer } = createMemoryTransport({ timers: runtime.timers });
  const principal = createPrincipal({ store, runtime, acceptors: [acceptor], stop: { windowMs: 0 } });
  await principal.start();
  const answerTo = async (agent: string, its: string): Promise<unknown> => {
    const dialling = dialer.dial();
    await world.advance(1);
    const connection = await dialling;
    const heard: unknown[] = [];
    const message = (event: Parameters<typeof parseMessage>[0]): void => {
      const parsed = parseMessage(event);
      if (parsed.kind === "control") heard.push(parsed.message);
    };
    connection.open({ message, writable: () => {}, ended: () => {} });
    const hello = { type: "hello", agent, protocol_versions: ["1"], store: its, window: 16 } as const;
    const words = { ...hello, settled: "0", software: "test" } as const;
    connection.send(encodeControl(words, { id: "1", source: "/test" }));
    await world.advance(10);
    connection.terminate(new HawserError("aborted", "enough"));
    await world.advance(1);
    return heard[0];
  };
  // Of a name with nothing in its mailbox nothing is kept, and there is nothing to tell anew.
  const published = principal.resources.put("edge-1", "Thing", "web", { image: 1 });
  await world.advance(1);
  await published;
  const answers: unknown[] = [];
  // The very first store is not another one.
  for (let n = 0; n <= MAX_NEW_STORE_BURST + 1; n += 1) answers.push(await answerTo("edge-1", `store-${n}`));
  expect(answers.pop()).toMatchObject({
    type: "refuse",
    code: "overloaded",
    retry_after_ms: expect.any(Number),
  });
  for (const answer of answers) expect(answer).toMatchObject({ type: "welcome" });
  expect(await answerTo("edge-1", `store-${MAX_NEW_STORE_BURST}`)).toMatchObject({ type: "welcome" });
  expect(await answerTo("edge-2", "store-1")).toMatchObject({ type: "welcome" });
  await world.advance(60_000 / MAX_NEW_STORES_PER_MINUTE);
  expect(await answerTo("edge-1", "another")).toMatchObject({ type: "welcome" });

  const stopped = principal.stop();
  await world.advance(60_000);
  await stopped;
});
