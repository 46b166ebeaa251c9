import { HawserError } from "@hawser/protocol";
import { createMemoryStore } from "@hawser/store";
import { createVirtualRuntime } from "@hawser/testkit";
import { createMemoryTransport, type Acceptor, type Connection } from "@hawser/transport";
import { expect, it } from "vitest";
import { createPrincipal } from "../create-principal.js";
import { BareAgent } from "../testing/bare-agent.js";

/** The same acceptor, whose connections throw from a moment on. */
function throwing(acceptor: Acceptor, breaks: (connection: Connection, name: string) => boolean): Acceptor {
  const broken = (connection: Connection): Connection =>
    new Proxy(connection, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]): unknown => {
          if (breaks(target, String(name))) throw new HawserError("internal", "a fault of the transport");
          return Reflect.apply(value, target, args);
        };
      },
    });
  return {
    accept: (socket, info) => acceptor.accept(socket, info),
    alpn: acceptor.alpn,
    stop: () => acceptor.stop(),
    start: (onConnection, screen) => acceptor.start((each) => onConnection(broken(each)), screen),
  };
}

/** A virtual clock rejects with what a timer throws. */
it.each([
  ["say anything", ["send"]],
  ["say anything or be closed", ["send", "close"]],
  ["be let go at all", ["send", "close", "terminate"]],
])("a drain lets the others go where a connection cannot %s", async (_, names) => {
  const world = createVirtualRuntime({ seed: 1 });
  const { runtime } = world;
  const transport = createMemoryTransport({ timers: runtime.timers });
  const store = createMemoryStore({ runtime });
  let isBroken = false;
  const first: Connection[] = [];
  const acceptor = throwing(transport.acceptor, (connection, name) => {
    first[0] ??= connection;
    return isBroken && connection === first[0] && names.includes(name);
  });
  const principal = createPrincipal({ store, acceptors: [acceptor], runtime });
  const agents = ["edge-1", "edge-2", "edge-3"].map((name) => new BareAgent(world, transport, name));
  await Promise.all([store.start(), ...agents.map((agent) => agent.store.start())]);
  await principal.start();
  for (const agent of agents) await agent.connect();
  isBroken = true;
  const draining = principal.drain({ windowMs: 1_000, reason: "deploy" });
  await world.advance(600_000);
  const report = await draining;
  expect(report).toMatchObject({ sessions: 3 });
  for (const agent of agents.slice(1)) expect(agent.ends).toMatchObject([{ kind: "drained" }]);
  const stopped = principal.stop();
  await world.advance(600_000);
  await stopped;
});
