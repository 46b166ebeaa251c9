import { createPrincipal, type Principal, type PrincipalOptions } from "@hawser/principal";
import type { EventDraft } from "@hawser/protocol";
import { defined } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createGrpcAcceptor } from "@hawser/transport-grpc";
import { createWebSocketAcceptor } from "@hawser/transport-ws";
import { describe, expect, it, onTestFinished } from "vitest";
import { breakStore } from "./support/broken-store.js";
import { becomes } from "./support/eventually.js";
import { HostileAgent } from "./support/hostile-agent.js";
import { RawGrpc } from "./support/raw-grpc.js";
import { closedByAgent, failureMs, WIRES, type Wire } from "./support/reconnect/reconnect-case.js";
import { TestAgent } from "./support/reconnect/test-agent.js";
import { SECRET, THROWERS } from "./support/reconnect/throwers.js";

const draft: EventDraft = {
  specversion: "1.0",
  id: "1",
  source: "/e2e",
  type: "e2e.order.v1",
  resourceid: "order_u1",
};
const EVENT = { ...draft, eventid: "1" };
const KEY = { resourceid: "order_u1", eventid: "1" };
const REFUSED = { type: "nack", ...KEY, retryable: false, code: "handler_rejected", message: "no" } as const;

async function principalWith(options: Partial<PrincipalOptions>) {
  const store = options.store ?? createMemoryStore();
  const principal = createPrincipal({
    acceptors: [createWebSocketAcceptor(), createGrpcAcceptor()],
    listen: { port: 0 },
    stop: { windowMs: 0, answerWaitMs: 0, graceMs: 100 },
    onEvent: () => {},
    ...options,
    store,
  });
  const { address } = await principal.start();
  onTestFinished(async () => {
    await principal.stop();
  });
  if (address === undefined) throw new Error("the principal has no address");
  return { principal, address };
}

async function callOf(wire: Wire, place: { host: string; port: number }): Promise<HostileAgent> {
  const agent =
    wire === "gRPC"
      ? await HostileAgent.overGrpc("edge-7", place)
      : await HostileAgent.overWebSocket("edge-7", place);
  onTestFinished(() => agent.wire.cut());
  agent.hello();
  return agent;
}

/** The close as the agent read it, with the gRPC status where there is one. */
async function endOf({ wire }: HostileAgent): Promise<unknown> {
  const { code, reason } = await wire.ended;
  return wire instanceof RawGrpc ? { code, reason, grpcStatus: wire.status } : { code, reason };
}

async function isGone(principal: Principal): Promise<void> {
  await becomes("the session is gone", async () => (await principal.agent("edge-7"))?.state !== "connected");
}

describe.each(WIRES)("on the principal's side of %s", (wire) => {
  it.each(THROWERS)(
    "$name that throws closes the session with $closes.code",
    async ({ breakage, observer, provokedBy, closes }) => {
      const store = createMemoryStore();
      const { principal, address } = await principalWith({
        store: breakage === undefined ? store : breakStore(store, breakage),
        ...(observer === undefined ? {} : { observer: { link: () => observer } }),
      });
      await principal.publish("edge-7", draft);
      const agent = await callOf(wire, address);
      if (provokedBy !== "opening") await agent.heard("welcome");
      if (provokedBy === "ack") agent.control({ type: "ack", acks: [KEY] });
      if (provokedBy === "nack") agent.control(REFUSED);
      if (provokedBy === "event") agent.send(EVENT);
      const { code, grpcStatus, error } = closes;
      const end = await endOf(agent);
      expect(end).toMatchObject(wire === "gRPC" ? { code, grpcStatus } : { code });
      expect(JSON.stringify([end, agent.wire.frames.map(String)])).not.toContain(SECRET);
      if (provokedBy === "opening" && breakage !== undefined)
        expect(await agent.heard("refuse")).toMatchObject({ code: error });
      await isGone(principal);
    },
  );

  it("an authentication that throws refuses with internal, closes with 1011, and keeps the reason to itself", async () => {
    const { principal, address } = await principalWith({
      authenticate: () => {
        throw new Error(SECRET);
      },
    });
    const agent = await callOf(wire, address);
    expect(await agent.heard("refuse")).toMatchObject({ code: "internal", message: "internal" });
    expect(await endOf(agent)).toMatchObject({ code: 1011, reason: "internal" });
    await isGone(principal);
  });

  it("a handler that throws costs its event a NACK, and nobody the session", async () => {
    const { principal, address } = await principalWith({
      onEvent: () => {
        throw new Error("not now");
      },
    });
    const agent = await callOf(wire, address);
    await agent.heard("welcome");
    agent.send(EVENT);
    expect(await agent.heard("nack")).toMatchObject({ ...KEY, retryable: true, code: "handler_failed" });
    expect(await principal.agent("edge-7")).toMatchObject({ state: "connected" });
  });
});

describe.each(WIRES)("on the agent's side of %s", (wire) => {
  it.each(THROWERS)(
    "$name that throws closes the session with $closes.code",
    async ({ breakage, observer, provokedBy, closes }) => {
      const store = createMemoryStore();
      const subject = await TestAgent.start(wire, {
        store: breakage === undefined ? store : breakStore(store, breakage),
        ...defined({ observer }),
        onEvent: () => {},
      });
      await subject.agent.start();
      await subject.agent.publish(draft);
      const call = await subject.call();
      call.welcome();
      const { time } = subject;
      if (provokedBy === "ack" || provokedBy === "nack")
        await time.until("the event arrives, or the end", () => call.events[0] ?? call.wire[0]);
      if (provokedBy === "ack") call.say({ type: "ack", acks: [KEY] });
      if (provokedBy === "nack") call.say(REFUSED);
      if (provokedBy === "event") call.send(EVENT);
      const wait = await subject.waiting();
      const { code, error } = closes;
      await time.until("all is said", () => call.wire[closedByAgent(code, error)[wire].length - 1]);
      expect(call.wire).toEqual(closedByAgent(code, error)[wire]);
      expect(wait.line).toMatchObject({ level: "warn", code: error });
      // What it is, is for its own log only.
      if (breakage?.resync !== true) expect(wait.line.msg).toContain(SECRET);
      expect(await subject.redial(wait)).toBe(failureMs(1));
    },
  );

  it("a handler that throws costs its event a NACK, and nobody the session", async () => {
    const subject = await TestAgent.start(wire, {
      onEvent: () => {
        throw new Error("not now");
      },
    });
    await subject.agent.start();
    const call = await subject.session(0);
    call.send(EVENT);
    const nack = await subject.time.until("the NACK arrives", () => call.heard("nack"));
    expect(nack).toMatchObject({ ...KEY, retryable: true, code: "handler_failed" });
    expect([subject.agent.state.kind, call.wire]).toEqual(["connected", []]);
  });
});
