import { encodeControl, HawserError } from "@hawser/protocol";
import { createMemoryStore, type Store } from "@hawser/store";
import { createVirtualRuntime, until } from "@hawser/testkit";
import { createMemoryTransport } from "@hawser/transport";
import { createWebSocketAcceptor, createWebSocketDialer } from "@hawser/transport-ws";
import { expect, it, onTestFinished } from "vitest";
import type { AuthenticateResult } from "../authenticate.js";
import { createPrincipal } from "../create-principal.js";
import { BareAgent } from "../testing/bare-agent.js";

const helloOf = (agent: string) =>
  encodeControl(
    {
      type: "hello",
      agent,
      protocol_versions: ["1"],
      store: "s",
      window: 16,
      settled: "0",
      software: "test",
    },
    { id: "1", source: "/test" },
  );

it("an agent that goes while it is authenticated leaves nothing behind", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const store = createMemoryStore({ runtime: world.runtime });
  const { acceptor, dialer } = createMemoryTransport({ timers: world.runtime.timers });
  let decide = (): void => {};
  const principal = createPrincipal({
    store,
    runtime: world.runtime,
    acceptors: [acceptor],
    authenticate: () => new Promise((resolve) => (decide = () => resolve({ ok: true }))),
    stop: { windowMs: 0 },
  });
  await principal.start();
  const dialling = dialer.dial();
  await world.advance(10);
  const connection = await dialling;
  connection.open({ message: () => {}, writable: () => {}, ended: () => {} });
  connection.send(helloOf("edge-7"));
  await world.advance(10);
  connection.terminate(new HawserError("aborted", "enough"));
  await world.advance(10);
  decide();
  await world.advance(10);
  expect(await principal.agents({ limit: 10 })).toEqual([]);
  const stopped = principal.stop();
  await world.advance(60_000);
  await stopped;
});

it("an agent that goes while it is authenticated keeps no place in the line (the next one waited until its handshake had timed out)", async () => {
  const store = createMemoryStore();
  const decisions: ((result: AuthenticateResult) => void)[] = [];
  const principal = createPrincipal({
    store,
    acceptors: [createWebSocketAcceptor()],
    authenticate: () => new Promise((resolve) => decisions.push(resolve)),
    listen: { port: 0, admission: { maxHandshakes: 1, rampMs: 0, ratePerSecond: 1_000 } },
    stop: { windowMs: 0 },
  });
  onTestFinished(async () => {
    await principal.stop();
  });
  const { address } = await principal.start();
  const url = `ws://127.0.0.1:${address?.port ?? 0}`;
  const dialer = createWebSocketDialer({ url, subprotocol: "cloudevents.json" });
  const connect = async (agent: string) => {
    const heard: string[] = [];
    const connection = await dialer.dial();
    onTestFinished(() => connection.terminate(new HawserError("aborted", "the test is over")));
    connection.open({ message: ({ type }) => heard.push(type), writable: () => {}, ended: () => {} });
    connection.send(helloOf(agent));
    return { connection, heard };
  };
  const handshakes = (): number | undefined => principal.listener?.stats().handshakes;

  const gone = await connect("edge-1");
  await until(() => decisions.length === 1);
  gone.connection.terminate(new HawserError("aborted", "enough"));
  await until(() => handshakes() === 0);
  decisions[0]?.({ ok: true });
  const next = await connect("edge-2");
  await until(() => decisions.length === 2);
  expect(handshakes()).toBe(1);
  decisions[1]?.({ ok: true });
  await until(() => next.heard.length > 0);
  expect([handshakes(), next.heard]).toEqual([0, ["hawser.control.welcome.v1"]]);
});

it("an agent that goes while its tombstone is looked for leaves nothing behind, and keeps no place in the line", async () => {
  const store = createMemoryStore();
  const looks: (() => void)[] = [];
  // The embedded engine answers at once; one that is shared takes its time.
  const slow: Store = Object.create(store, {
    id: { get: () => store.id },
    use: { value: () => store.use() },
    peers: { value: (page: Parameters<Store["peers"]>[0]) => store.peers(page) },
    stats: { value: (peer: string) => store.stats(peer) },
    open: { value: (...args: Parameters<Store["open"]>) => store.open(...args) },
    tombstone: {
      value: async (peer: string) => {
        await new Promise<void>((resolve) => looks.push(resolve));
        return store.tombstone(peer);
      },
    },
  });
  const principal = createPrincipal({
    store: slow,
    acceptors: [createWebSocketAcceptor()],
    listen: { port: 0, admission: { maxHandshakes: 1, rampMs: 0, ratePerSecond: 1_000 } },
    stop: { windowMs: 0 },
  });
  onTestFinished(async () => {
    await principal.stop();
  });
  const { address } = await principal.start();
  const url = `ws://127.0.0.1:${address?.port ?? 0}`;
  const dialer = createWebSocketDialer({ url, subprotocol: "cloudevents.json" });
  const handshakes = (): number | undefined => principal.listener?.stats().handshakes;
  const heard: string[] = [];
  const connect = async (agent: string) => {
    const connection = await dialer.dial();
    onTestFinished(() => connection.terminate(new HawserError("aborted", "the test is over")));
    connection.open({ message: ({ type }) => heard.push(type), writable: () => {}, ended: () => {} });
    connection.send(helloOf(agent));
    return connection;
  };

  const gone = await connect("edge-1");
  await until(() => looks.length === 1);
  gone.terminate(new HawserError("aborted", "enough"));
  await until(() => handshakes() === 0);
  looks[0]?.();
  await connect("edge-2");
  await until(() => looks.length === 2);
  expect(handshakes()).toBe(1);
  looks[1]?.();
  await until(() => heard.length > 0);
  expect([handshakes(), heard]).toEqual([0, ["hawser.control.welcome.v1"]]);
  expect((await principal.agents({ limit: 10 })).map(({ name }) => name)).toEqual(["edge-2"]);
});

it("a hello that was answered too late takes no session over (its mailbox was claimed while its connection was being closed)", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const { runtime } = world;
  const transport = createMemoryTransport({ timers: runtime.timers });
  const store = createMemoryStore({ runtime });
  const agent = new BareAgent(world, transport);
  await Promise.all([store.start(), agent.store.start()]);
  let decide: (() => void) | undefined;
  const principal = createPrincipal({
    store,
    runtime,
    acceptors: [transport.acceptor],
    authenticate: (_, { store: its }) =>
      its === agent.store.id
        ? { ok: true }
        : new Promise((resolve) => (decide = () => resolve({ ok: true }))),
    timing: { handshakeTimeoutMs: 1_000, closeGraceMs: 60_000 },
    stop: { windowMs: 0 },
  });
  await principal.start();
  await agent.connect();
  const sessionId = async (): Promise<unknown> => (await principal.agent("edge-1"))?.session?.id;
  const before = await sessionId();
  for (let count = 0; count < 3; count += 1) {
    const dialling = transport.dialer.dial();
    await world.advance(1);
    const connection = await dialling;
    connection.open({ message: () => {}, writable: () => {}, ended: () => {} });
    connection.send(helloOf("edge-1"));
    await world.advance(10);
    // It reads no more, so it does not finish the close.
    connection.pause();
    await world.advance(2_000);
    decide?.();
    await world.advance(10);
  }
  expect(agent.ends).toEqual([]);
  expect([typeof before, await sessionId()]).toEqual(["string", before]);
  const stopped = principal.stop();
  await world.advance(120_000);
  await stopped;
});
