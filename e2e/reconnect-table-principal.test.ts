import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { createPrincipal, type PrincipalOptions } from "@hawser/principal";
import { CLOSE_CODES, GRPC_STATUS_BY_CLOSE_CODE, HawserError, type CloseCode } from "@hawser/protocol";
import { createMemoryStore } from "@hawser/store";
import { CONNECT_PATH, createGrpcAcceptor } from "@hawser/transport-grpc";
import { createWebSocketAcceptor } from "@hawser/transport-ws";
import { describe, expect, it, onTestFinished } from "vitest";
import { HostileAgent } from "./support/hostile-agent.js";
import { RawGrpc } from "./support/raw-grpc.js";
import { RawWebSocket } from "./support/raw-websocket.js";
import { ROWS, WIRES, type Row, type Wire } from "./support/reconnect/reconnect-case.js";
import { SteppedTime } from "./support/stepped-time.js";

/** A real principal, and agents written by hand that read what it says about the end. */
class Door {
  readonly time = new SteppedTime();
  readonly #wire: Wire;
  place = { host: "", port: 0 };

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  async open(options: Partial<PrincipalOptions> = {}) {
    const { runtime } = this.time;
    const store = createMemoryStore();
    await store.start();
    // Time leaps here, and an unanswered ping would be nobody's fault.
    const quiet = { runtime, keepAliveIntervalMs: 0 };
    const principal = createPrincipal({
      store,
      acceptors: [createWebSocketAcceptor(quiet), createGrpcAcceptor(quiet)],
      listen: { port: 0, admission: { rampMs: 0 } },
      runtime,
      stop: { windowMs: 0, settleMs: 0, graceMs: 0, returnAfterMs: 0 },
      ...options,
    });
    const { address } = await principal.start();
    if (address === undefined) throw new Error("the principal has no address");
    this.place = address;
    onTestFinished(async () => {
      await this.settled("the principal stops", principal.stop());
      await store.stop();
    });
    return principal;
  }

  async call(name = "edge-7"): Promise<HostileAgent> {
    const calling =
      this.#wire === "gRPC"
        ? HostileAgent.overGrpc(name, this.place)
        : HostileAgent.overWebSocket(name, this.place);
    const agent = await this.settled<HostileAgent>(`${name} is through`, calling);
    onTestFinished(() => agent.wire.cut());
    return agent;
  }

  async session(name?: string): Promise<HostileAgent> {
    const agent = await this.call(name);
    agent.hello();
    await this.heard(agent, "welcome");
    return agent;
  }

  heard<T extends Parameters<HostileAgent["said"]>[0]>(agent: HostileAgent, type: T) {
    return this.time.until(`${agent.name} hears ${type}`, () => agent.said(type));
  }

  /** The close of the principal, as the agent read it. */
  async isClosed({ wire }: HostileAgent, code: CloseCode, reason: RegExp | string): Promise<void> {
    const end = await this.settled("the end", wire.ended);
    expect(end).toEqual({ code, reason: expect.stringMatching(reason) as string });
    if (wire instanceof RawGrpc) expect(wire.status).toBe(GRPC_STATUS_BY_CLOSE_CODE[code]);
  }

  async settled<T>(what: string, promise: Promise<T>): Promise<T> {
    let outcome: { readonly value: T } | undefined;
    let thrown: { readonly error: unknown } | undefined;
    promise.then(
      (value) => (outcome = { value }),
      (error: unknown) => (thrown = { error }),
    );
    await this.time.until(what, () => outcome ?? thrown);
    if (thrown !== undefined) throw thrown.error;
    return promise;
  }
}

function letGo({ wire }: HostileAgent, reason: string): void {
  if (wire instanceof RawGrpc) wire.halfClose();
  else if (wire instanceof RawWebSocket) wire.close(CLOSE_CODES.normal, reason);
}

interface PrincipalCase {
  readonly row: Row;
  readonly name: string;
  readonly play: (door: Door, wire: Wire) => Promise<void>;
}

function refusal(code: "unauthenticated" | "forbidden", closeCode: CloseCode): PrincipalCase {
  return {
    row: "refused",
    name: `refuse ${code}, then the close`,
    play: async (door) => {
      await door.open({ authenticate: () => ({ ok: false, error: new HawserError(code, "not you") }) });
      const agent = await door.call();
      agent.hello();
      expect(await door.heard(agent, "refuse")).toEqual({ type: "refuse", code, message: "not you" });
      await door.isClosed(agent, closeCode, "not you");
    },
  };
}

const CASES: readonly PrincipalCase[] = [
  {
    row: "clean",
    name: "a rotation is let go and answered with 1000",
    play: async (door) => {
      await door.open();
      const agent = await door.session();
      agent.control({ type: "goodbye", reason: "rotation" });
      await door.heard(agent, "farewell");
      letGo(agent, "rotation");
      await door.isClosed(agent, CLOSE_CODES.normal, "");
    },
  },
  {
    row: "clean",
    name: "who does not leave when asked to is closed with 1001 after the grace",
    play: async (door) => {
      const principal = await door.open({ timing: { closeGraceMs: 1_000 } });
      const agent = await door.session();
      const drained = principal.drain({ reason: "deploy", windowMs: 0, settleMs: 0, graceMs: 60_000 });
      await door.heard(agent, "drain");
      await door.time.advance(999);
      expect((await principal.agent("edge-7"))?.state).toBe("connected");
      await door.time.advance(1);
      await door.isClosed(agent, CLOSE_CODES.goingAway, "not answered");
      expect(await door.settled("the drain", drained)).toMatchObject({ sessions: 1, cutOff: 0 });
    },
  },
  {
    row: "drained",
    name: "a notice with a slot, in the middle of the window as every draw is",
    play: async (door) => {
      const principal = await door.open();
      const agent = await door.session();
      const drained = principal.drain({ reason: "deploy", windowMs: 20_000, returnAfterMs: 1_800 });
      expect(await door.heard(agent, "drain")).toEqual({
        type: "drain",
        reason: "deploy",
        window_ms: 21_800,
        reconnect_after_ms: 11_800,
      });
      agent.control({ type: "goodbye", reason: "drain" });
      await door.heard(agent, "farewell");
      letGo(agent, "drain");
      await door.isClosed(agent, CLOSE_CODES.normal, "");
      expect(await door.settled("the drain", drained)).toMatchObject({ sessions: 1, cutOff: 0 });
      // It comes 1,800 ms too early, and is told what is left.
      await door.time.advance(10_000);
      const early = await door.call();
      early.hello();
      expect(await door.heard(early, "refuse")).toMatchObject({ code: "draining", retry_after_ms: 1_800 });
    },
  },
  {
    row: "slot",
    name: "who comes while it drains: refuse draining, 1012",
    play: async (door) => {
      const principal = await door.open();
      const held = await door.session("held");
      void principal.drain({ reason: "deploy", windowMs: 60_000, graceMs: 60_000 });
      await door.heard(held, "drain");
      const agent = await door.call();
      agent.hello();
      const refuse = await door.heard(agent, "refuse");
      expect(refuse).toMatchObject({ code: "draining", retry_after_ms: expect.any(Number) as number });
      await door.isClosed(agent, CLOSE_CODES.serviceRestart, "deploy");
    },
  },
  {
    row: "slot",
    name: "one session too many: refuse overloaded, 1013",
    play: async (door) => {
      await door.open({ maxSessions: 1 });
      await door.session("first");
      const agent = await door.call();
      agent.hello();
      const refuse = await door.heard(agent, "refuse");
      expect(refuse).toMatchObject({ code: "overloaded", retry_after_ms: expect.any(Number) as number });
      await door.isClosed(agent, CLOSE_CODES.tryAgainLater, "holds 1 connections");
    },
  },
  {
    row: "slot",
    name: "one connection too many: answered before there is a stream, with a slot",
    play: async (door, wire) => {
      const headers = await turnedAway(door, wire);
      const slot = headers[wire === "gRPC" ? "grpc-retry-pushback-ms" : "hawser-retry-after-ms"];
      // One connection in ten seconds: the second has its turn in ten.
      expect(Number(slot)).toBeGreaterThan(9_000);
      expect(Number(slot)).toBeLessThanOrEqual(20_000);
    },
  },
  {
    row: "everybody",
    name: "the same answer has a time for those who know no slots, where HTTP has one",
    play: async (door, wire) => {
      const headers = await turnedAway(door, wire);
      if (wire === "gRPC") return expect(headers).toMatchObject({ "grpc-status": "14" });
      const slotMs = Number(headers["hawser-retry-after-ms"]);
      return expect(headers["retry-after"]).toBe(String(Math.ceil(slotMs / 1_000)));
    },
  },
  refusal("unauthenticated", CLOSE_CODES.unauthenticated),
  refusal("forbidden", CLOSE_CODES.forbidden),
  {
    row: "refused",
    name: "a name that is none: refuse invalid_agent_name, 4004",
    play: async (door) => {
      await door.open();
      const agent = await door.call("-");
      agent.hello();
      expect(await door.heard(agent, "refuse")).toMatchObject({ code: "invalid_agent_name" });
      await door.isClosed(agent, CLOSE_CODES.forbidden, "");
    },
  },
  {
    row: "refused",
    name: "a version nobody speaks: refuse unsupported_version, 4005",
    play: async (door) => {
      await door.open();
      const agent = await door.call();
      agent.hello({ protocol_versions: ["99"] });
      expect(await door.heard(agent, "refuse")).toMatchObject({ code: "unsupported_version" });
      await door.isClosed(agent, CLOSE_CODES.unsupportedVersion, "99");
    },
  },
  {
    row: "superseded",
    name: "a newer session of the same agent: 4002",
    play: async (door) => {
      await door.open();
      const older = await door.session();
      await door.session();
      await door.isClosed(older, CLOSE_CODES.superseded, "a newer session");
    },
  },
  {
    row: "failed",
    name: "no hello: 4000",
    play: async (door) => {
      await door.open({ timing: { handshakeTimeoutMs: 5_000 } });
      const agent = await door.call();
      await door.time.advance(5_000);
      await door.isClosed(agent, CLOSE_CODES.handshakeTimeout, "no hello within 5000 ms");
    },
  },
  {
    row: "failed",
    name: "no hello while the front has a place for it: cut, without a close",
    play: async (door) => {
      await door.open({ listen: { port: 0, admission: { rampMs: 0, handshakeTimeoutMs: 4_000 } } });
      const agent = await door.call();
      await door.time.advance(4_000);
      expect((await door.settled("the end", agent.wire.ended)).code).toBeUndefined();
    },
  },
  {
    row: "failed",
    name: "heartbeats missing: cut, without a close",
    play: async (door) => {
      const principal = await door.open();
      const agent = await door.session();
      await door.time.advance(90_000 - 1);
      expect((await principal.agent("edge-7"))?.state).toBe("connected");
      await door.time.advance(1);
      expect((await door.settled("the end", agent.wire.ended)).code).toBeUndefined();
    },
  },
];

/** The front has one place in ten seconds, and it is taken: what the next one is told. */
async function turnedAway(door: Door, wire: Wire): Promise<Readonly<Record<string, unknown>>> {
  const admission = { ratePerSecond: 0.1, burst: 1, maxWaiting: 0, rampMs: 0 };
  await door.open({ listen: { port: 0, admission } });
  await door.session("first");
  const { host, port } = door.place;
  if (wire === "WebSocket") {
    const opening = RawWebSocket.open(door.place, { "sec-websocket-protocol": "cloudevents.json" });
    const answer = await door.settled<RawWebSocket | Awaited<typeof opening>>("the answer", opening);
    if (answer instanceof RawWebSocket) throw new Error("it was let in");
    expect(answer.status).toBe(503);
    return Object.fromEntries(answer.headers);
  }
  const session = connectHttp2(`http://${host}:${port}`);
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": CONNECT_PATH,
    "content-type": "application/grpc",
  });
  const [headers] = (await door.settled("the answer", once(stream, "response"))) as [Record<string, unknown>];
  expect(headers[":status"]).toBe(200);
  return headers;
}

describe.each(WIRES)("a principal over %s", (wire) => {
  it.each(CASES)("$row: $name", async ({ play }) => play(new Door(wire), wire));
});

it("has a case for every row", () => {
  expect(new Set(CASES.map(({ row }) => row))).toEqual(new Set(Object.keys(ROWS)));
});
