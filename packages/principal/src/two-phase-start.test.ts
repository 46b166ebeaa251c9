import { type BoundAddress, type GateState, type Listener, type UnixAddress } from "@hawser/listener";
import { HawserError } from "@hawser/protocol";
import { systemTimers } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { until } from "@hawser/testkit";
import type { Connection, Dialer } from "@hawser/transport";
import { createGrpcAcceptor, createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketAcceptor, createWebSocketDialer } from "@hawser/transport-ws";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { createPrincipal } from "./create-principal.js";
import type { PrincipalOptions } from "./principal.js";
import { SELF_AGENT } from "./self-login.js";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const webSocket = (to: BoundAddress | UnixAddress): Dialer =>
  createWebSocketDialer({
    url: "path" in to ? `ws+unix:${to.path}` : `ws://${to.host}:${to.port}`,
    subprotocol: "cloudevents.json",
  });
const grpc = (to: BoundAddress | UnixAddress): Dialer =>
  createGrpcDialer({
    url: "path" in to ? `grpc+unix:${to.path}` : `grpc://${to.host}:${to.port}`,
  });

async function socketPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "hawser-"));
  cleanups.push(() => rm(directory, { recursive: true }));
  return join(directory, "internal.sock");
}

async function principalOf(options: Partial<PrincipalOptions>): Promise<{
  readonly principal: ReturnType<typeof createPrincipal>;
  readonly states: GateState[];
}> {
  const store = createMemoryStore();
  const states: GateState[] = [];
  const principal = createPrincipal({
    store,
    acceptors: [createWebSocketAcceptor(), createGrpcAcceptor()],
    listen: { port: 0, admission: { rampMs: 0 } },
    stop: { windowMs: 0 },
    ...options,
    gate: { stableForMs: 20, checkIntervalMs: 10, ...options.gate, onState: (state) => states.push(state) },
  });
  cleanups.push(async () => {
    await principal.stop();
  });
  return { principal, states };
}

it.each([
  ["WebSocket", "a port", webSocket],
  ["gRPC", "a port", grpc],
  ["WebSocket", "a Unix socket", webSocket],
  ["gRPC", "a Unix socket", grpc],
] as const)(
  "opens the external port once it has logged in to itself over %s by %s, credentials or not",
  async (_name, way, selfLogin) => {
    let asked = 0;
    const { principal, states } = await principalOf({
      internal: { listen: way === "a port" ? { port: 0 } : { path: await socketPath() }, selfLogin },
      authenticate: () => {
        asked += 1;
        return { ok: false, error: new HawserError("unauthenticated", "nobody") };
      },
    });
    const { address, internalAddress } = await principal.start();
    expect(states.map(({ kind }) => kind)).toEqual(["settling", "open"]);
    expect(internalAddress).not.toEqual(address);
    expect(asked).toBe(0);
    // It is nobody's agent.
    expect(await principal.agents({ limit: 10 })).toEqual([]);
  },
);

it.each(["a port", "a Unix socket"])(
  "keeps the external port shut while the self-login by %s fails, and says why",
  async (way) => {
    let internalAddress: BoundAddress | UnixAddress | undefined;
    const broken = (): Dialer => ({
      transport: "broken",
      dial: (): Promise<Connection> => Promise.reject(new HawserError("connection_failed", "no way in")),
    });
    const { principal, states } = await principalOf({
      internal: {
        listen: way === "a port" ? { port: 0 } : { path: await socketPath() },
        selfLogin: (address) => {
          internalAddress = address;
          return broken();
        },
      },
      gate: { fallback: { afterMs: 100, action: "fail" } },
    });
    await expect(principal.start()).rejects.toMatchObject({
      code: "timeout",
      message: expect.stringContaining("waiting for self-login: no way in"),
    });
    expect(states.at(0)).toEqual({ kind: "waiting", for: "self-login", reason: "no way in" });
    expect(principal.state).toBe("stopped");
    // The internal port is closed again, too.
    if (internalAddress === undefined) throw new Error("nobody logged in");
    await expect(webSocket(internalAddress).dial()).rejects.toMatchObject({ code: "connection_failed" });
  },
);

it("waits for conditions of the application as well", async () => {
  let migrated = false;
  const { principal, states } = await principalOf({
    gate: { conditions: [{ name: "migration", check: async () => migrated || "3 of 5 tables" }] },
  });
  const started = principal.start();
  while (states.length === 0) await new Promise<void>((resolve) => void systemTimers.soon(resolve));
  expect(principal.gate).toEqual({ kind: "waiting", for: "migration", reason: "3 of 5 tables" });
  expect(principal.state).toBe("starting");
  migrated = true;
  await started;
  expect(principal.gate).toEqual({ kind: "open", by: "conditions" });
});

it("can be stopped while it waits", async () => {
  const { principal } = await principalOf({
    gate: { conditions: [{ name: "never", check: async () => "not yet" }] },
  });
  const started = expect(principal.start()).rejects.toMatchObject({ code: "aborted" });
  await principal.stop();
  await started;
  expect(principal.state).toBe("stopped");
});

it.each([
  ["while it waits", "waiting"],
  ["while the gate settles, behind its self-login", "settling"],
])("does not open when it is drained %s", async (_, kind) => {
  const { principal, states } = await principalOf({
    ...(kind === "settling" ? { internal: { listen: { port: 0 }, selfLogin: webSocket } } : {}),
    gate: {
      stableForMs: 60_000,
      ...(kind === "waiting" ? { conditions: [{ name: "never", check: async () => "not yet" }] } : {}),
    },
  });
  const started = principal.start();
  const failed = expect(started).rejects.toMatchObject({ code: "aborted" });
  await until(() => states.at(-1)?.kind === kind);
  await principal.drain({ windowMs: 0, reason: "deploy" });
  expect(principal.state).toBe("draining");
  await failed;
  expect([principal.state, principal.gate.kind]).toEqual(["stopped", "closed"]);
});

it("opens and stops though whoever hears of its gate throws", async () => {
  const store = createMemoryStore();
  const told: string[] = [];
  const onState = ({ kind }: GateState): never => {
    told.push(kind);
    throw new Error("a fault of the application");
  };
  const principal = createPrincipal({
    store,
    acceptors: [createWebSocketAcceptor()],
    listen: { port: 0 },
    gate: { stableForMs: 0, onState },
    stop: { windowMs: 0 },
  });
  const { address } = await principal.start();
  await principal.stop();
  expect([principal.state, told]).toEqual(["stopped", ["settling", "open", "closed"]]);
  if (address === undefined) throw new Error("it has a port");
  await expect(webSocket(address).dial()).rejects.toMatchObject({ code: "connection_failed" });
});

it("does not open when it is drained, or stopped, as the port opens", async () => {
  for (const end of ["drain", "stop"] as const) {
    const { principal } = await principalOf({ gate: { stableForMs: 0 } });
    // More of it is there than an application is shown.
    const listener = principal.listener as Listener | undefined;
    if (listener === undefined) throw new Error("it has a listener");
    const open = listener.start.bind(listener);
    const bound: BoundAddress[] = [];
    let ended: Promise<unknown> | undefined;
    listener.start = async () => {
      const address = await open();
      bound.push(address);
      ended = end === "drain" ? principal.drain({ windowMs: 0, reason: "deploy" }) : principal.stop();
      return address;
    };
    await expect(principal.start()).rejects.toMatchObject({ code: "aborted" });
    await ended;
    expect(principal.state).toBe("stopped");
    expect(bound).toHaveLength(1);
    for (const address of bound)
      await expect(webSocket(address).dial()).rejects.toMatchObject({ code: "connection_failed" });
  }
});

it("gives its own name to nobody outside, and takes nothing for it", async () => {
  const { principal } = await principalOf({});
  await principal.start();
  const event = {
    specversion: "1.0",
    id: "1",
    source: "/test",
    type: "com.example.v1",
    resourceid: "x_1",
  } as const;
  await expect(principal.publish(SELF_AGENT, event)).rejects.toMatchObject({ code: "invalid_agent_name" });
  await expect(principal.resources.put(SELF_AGENT, "K", "n", {})).rejects.toMatchObject({
    code: "invalid_agent_name",
  });
});
