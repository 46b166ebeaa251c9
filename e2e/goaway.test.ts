import { systemRuntime } from "@hawser/runtime";
import { createAgent } from "@hawser/agent";
import { createPrincipal } from "@hawser/principal";
import { createMemoryStore } from "@hawser/store";
import { createGrpcAcceptor, createGrpcDialer } from "@hawser/transport-grpc";
import { expect, it, onTestFinished } from "vitest";
import { becomes } from "./support/eventually.js";
import { Http2Proxy } from "./support/http2-proxy.js";

it("a proxy that sends GOAWAY makes an agent rotate at once, which is no failure", async () => {
  const principal = createPrincipal({
    store: createMemoryStore(),
    acceptors: [createGrpcAcceptor()],
    listen: { port: 0 },
    stop: { windowMs: 0, answerWaitMs: 0, graceMs: 100 },
  });
  const { address } = await principal.start();
  if (address === undefined) throw new Error("the principal has no address");
  const proxy = new Http2Proxy(`${address.host}:${address.port}`);
  const target = await proxy.start();
  const sessions: string[] = [];
  const waits: string[] = [];
  const agent = createAgent({
    runtime: systemRuntime(),
    name: "edge",
    store: createMemoryStore(),
    dialer: createGrpcDialer({ url: `grpc://${target}` }),
    // A session that lived shorter counts as a failure; here none does.
    reconnect: { shortSessionMs: 1 },
    observer: {
      state: (state) => {
        if (state.kind === "connected") sessions.push(state.sessionId);
        if (state.kind === "waiting") waits.push(`${state.delayMs} ms: ${state.reason}`);
      },
    },
  });
  await agent.start();
  onTestFinished(async () => {
    await agent.stop();
    await proxy.stop();
    await principal.stop();
  });
  await becomes("the agent is connected", () => sessions.length === 1);
  proxy.goAway();
  await becomes("the agent has a new session", () => sessions.length === 2);
  expect(new Set(sessions).size).toBe(2);
  expect(waits).toEqual(["0 ms: rotation"]);
});
