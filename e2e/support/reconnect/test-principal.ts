import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { createPrincipal, type Principal, type PrincipalOptions } from "@hawser/principal";
import { CLOSE_CODES, GRPC_STATUS_BY_CLOSE_CODE, type CloseCode, type Hello } from "@hawser/protocol";
import { defined } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import type { StreamOptions } from "@hawser/transport";
import { CONNECT_PATH, createGrpcAcceptor } from "@hawser/transport-grpc";
import { createWebSocketAcceptor } from "@hawser/transport-ws";
import { expect, onTestFinished } from "vitest";
import { HostileAgent } from "../hostile-agent.js";
import { RawGrpc } from "../raw-grpc.js";
import { RawWebSocket } from "../raw-websocket.js";
import { SteppedTime } from "../stepped-time.js";
import type { Wire } from "./reconnect-case.js";

/** A real principal, and agents written by hand that read what it says about the end. */
export class TestPrincipal {
  readonly time = new SteppedTime();
  readonly wire: Wire;
  place = { host: "", port: 0 };
  #principal: Principal | undefined;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  async open(options: Partial<PrincipalOptions> = {}, limits?: StreamOptions["limits"]): Promise<Principal> {
    const { runtime } = this.time;
    const store = createMemoryStore();
    // Time leaps here, and an unanswered ping would be nobody's fault.
    const quiet = { runtime, keepAliveIntervalMs: 0, ...defined({ limits }) };
    const principal = createPrincipal({
      store,
      acceptors: [createWebSocketAcceptor(quiet), createGrpcAcceptor(quiet)],
      listen: { port: 0, admission: { rampMs: 0 } },
      runtime,
      stop: { windowMs: 0, answerWaitMs: 0, graceMs: 0, returnAfterMs: 0 },
      ...options,
    });
    const { address } = await principal.start();
    if (address === undefined) throw new Error("the principal has no address");
    this.place = address;
    this.#principal = principal;
    onTestFinished(async () => {
      await this.settled("the principal stops", principal.stop());
    });
    return principal;
  }

  get principal(): Principal {
    if (this.#principal === undefined) throw new Error("the principal has not been started");
    return this.#principal;
  }

  async call(name = "edge-7"): Promise<HostileAgent> {
    const calling =
      this.wire === "gRPC"
        ? HostileAgent.overGrpc(name, this.place)
        : HostileAgent.overWebSocket(name, this.place);
    const agent = await this.settled<HostileAgent>(`${name} is through`, calling);
    onTestFinished(() => agent.wire.cut());
    return agent;
  }

  async session(name?: string, hello: Partial<Hello> = {}): Promise<HostileAgent> {
    const agent = await this.call(name);
    agent.hello(hello);
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

/** The agent closes, as one that was let go. */
export function letGo({ wire }: HostileAgent, reason: string): void {
  if (wire instanceof RawGrpc) wire.halfClose();
  else if (wire instanceof RawWebSocket) wire.close(CLOSE_CODES.normal, reason);
}

/** The front has one place in ten seconds, and it is taken: what the next one is told. */
export async function turnedAway(subject: TestPrincipal): Promise<Readonly<Record<string, unknown>>> {
  const admission = { ratePerSecond: 0.1, burst: 1, maxWaiting: 0, rampMs: 0 };
  await subject.open({ listen: { port: 0, admission } });
  await subject.session("first");
  const { host, port } = subject.place;
  if (subject.wire === "WebSocket") {
    const opening = RawWebSocket.open(subject.place, { "sec-websocket-protocol": "cloudevents.json" });
    const answer = await subject.settled<RawWebSocket | Awaited<typeof opening>>("the answer", opening);
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
  const [headers] = (await subject.settled("the answer", once(stream, "response"))) as [
    Record<string, unknown>,
  ];
  expect(headers[":status"]).toBe(200);
  return headers;
}
