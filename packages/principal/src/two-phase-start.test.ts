import { HawserError } from "@hawser/protocol";
import { systemTimers } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import type { Connection, Dialer } from "@hawser/transport";
import { createGrpcAcceptor, createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketAcceptor, createWebSocketDialer } from "@hawser/transport-ws";
import { afterEach, expect, it } from "vitest";
import { createPrincipal } from "./create-principal.js";
import { formatAddress } from "./listener/bind-error.js";
import type { GateState } from "./listener/gate.js";
import type { BoundAddress } from "./listener/listener-options.js";
import type { PrincipalOptions } from "./principal.js";
import { SELF_AGENT } from "./self-login.js";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const webSocket = ({ host, port }: BoundAddress): Dialer =>
  createWebSocketDialer({ url: `ws://${formatAddress(host, port)}`, subprotocol: "cloudevents.json" });
const grpc = ({ host, port }: BoundAddress): Dialer =>
  createGrpcDialer({ target: formatAddress(host, port) });

async function principalOf(options: Partial<PrincipalOptions>): Promise<{
  readonly principal: ReturnType<typeof createPrincipal>;
  readonly states: GateState[];
}> {
  const store = createMemoryStore();
  await store.start();
  const states: GateState[] = [];
  const principal = createPrincipal({
    store,
    acceptors: [createWebSocketAcceptor(), createGrpcAcceptor()],
    listen: { port: 0, admission: { rampMs: 0 } },
    stop: { windowMs: 0 },
    ...options,
    gate: { settleMs: 20, checkIntervalMs: 10, ...options.gate, onState: (state) => states.push(state) },
  });
  cleanups.push(async () => {
    await principal.stop();
    await store.stop();
  });
  return { principal, states };
}

it.each([
  ["WebSocket", webSocket],
  ["gRPC", grpc],
])(
  "opens the external port once it has logged in to itself over %s, credentials or not",
  async (_name, selfLogin) => {
    let asked = 0;
    const { principal, states } = await principalOf({
      internal: { listen: { port: 0 }, selfLogin },
      authenticate: () => {
        asked += 1;
        return { ok: false, error: new HawserError("unauthenticated", "nobody") };
      },
    });
    const { address, internalAddress } = await principal.start();
    expect(states.map(({ kind }) => kind)).toEqual(["settling", "open"]);
    expect(address?.port).not.toBe(internalAddress?.port);
    expect(asked).toBe(0);
    // It is nobody's agent.
    expect(await principal.agents({ limit: 10 })).toEqual([]);
  },
);

it("keeps the external port shut while the self-login fails, and says why", async () => {
  let port = 0;
  const broken = (): Dialer => ({
    transport: "broken",
    dial: (): Promise<Connection> => Promise.reject(new HawserError("connection_failed", "no way in")),
  });
  const { principal, states } = await principalOf({
    internal: {
      listen: { port: 0 },
      selfLogin: (address) => {
        port = address.port;
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
  await expect(webSocket({ host: "127.0.0.1", port }).dial()).rejects.toMatchObject({
    code: "connection_failed",
  });
});

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
