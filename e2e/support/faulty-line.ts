import { createAgent, type Agent } from "@hawser/agent";
import { createPrincipal, type Principal } from "@hawser/principal";
import type { EventDraft } from "@hawser/protocol";
import { systemClock, systemRuntime } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createChaosProxy, type ChaosProxy } from "@hawser/testkit";
import type { Dialer } from "@hawser/transport";
import { createGrpcAcceptor, createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketAcceptor, createWebSocketDialer } from "@hawser/transport-ws";
import { becomes } from "./eventually.js";
import { EventLedger, type Direction } from "./event-ledger.js";

/** How much shorter than by default everything here takes: 20 s become one second. */
const SCALE = 20;
/** Order is kept per resource, and one takes one event a round trip: enough of them that a slow line does not hold the load up. */
const RESOURCES = 50;
const BODY = "x".repeat(500);

/** The settings that bounds follow from: those of every day, scaled, but for the backoff and the dial, which machines and not clocks decide. */
export const LINE = {
  heartbeatIntervalMs: 20_000 / SCALE,
  heartbeatTimeoutMs: 60_000 / SCALE,
  keepAliveIntervalMs: 20_000 / SCALE,
  backoffMinMs: 250,
  backoffMaxMs: 1_000,
  dialTimeoutMs: 2_000,
} as const;

export interface LineOptions {
  readonly heartbeatIntervalMs?: number;
  readonly keepAliveIntervalMs?: number;
}

export const TRANSPORTS = ["ws", "grpc"] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** An agent and a principal with a proxy between them that does harm, and events both ways. */
export class FaultyLine {
  readonly proxy: ChaosProxy;
  readonly agent: Agent;
  readonly principal: Principal;
  /** Sessions the agent has had. */
  sessions = 0;
  readonly events = new EventLedger();

  private constructor(
    parts: { proxy: ChaosProxy; dialer: Dialer; principal: Principal },
    options: LineOptions,
  ) {
    const { backoffMinMs, backoffMaxMs } = LINE;
    this.proxy = parts.proxy;
    this.principal = parts.principal;
    this.agent = createAgent({
      name: "edge",
      store: createMemoryStore(),
      dialer: parts.dialer,
      timing: timingOf(options),
      reconnect: { backoffMinMs, backoffMaxMs },
      onEvent: ({ event }) => this.events.applied("down", event),
      observer: {
        state: ({ kind }) => {
          if (kind === "connected") this.sessions += 1;
        },
      },
    });
  }

  /** Both ends run and are connected, through a proxy that does no harm yet. */
  static async lay(transport: Transport, options: LineOptions = {}): Promise<FaultyLine> {
    const { keepAliveIntervalMs = LINE.keepAliveIntervalMs } = options;
    const principal = createPrincipal({
      store: createMemoryStore(),
      acceptors: [
        createWebSocketAcceptor({ keepAliveIntervalMs }),
        createGrpcAcceptor({ keepAliveIntervalMs }),
      ],
      listen: { port: 0 },
      timing: timingOf(options),
      stop: { windowMs: 0, answerWaitMs: 0, graceMs: 100 },
      onEvent: ({ event }) => line.events.applied("up", event),
    });
    const { address } = await principal.start();
    if (address === undefined) throw new Error("the principal has no address");
    const proxy = createChaosProxy({ target: address, runtime: systemRuntime() });
    const { host, port } = await proxy.start();
    const dialer =
      transport === "grpc"
        ? createGrpcDialer({ url: `grpc://${host}:${port}`, keepAliveIntervalMs })
        : createWebSocketDialer({
            url: `ws://${host}:${port}`,
            subprotocol: "cloudevents.json",
            keepAliveIntervalMs,
          });
    const line: FaultyLine = new FaultyLine({ proxy, dialer: impatient(dialer), principal }, options);
    await line.agent.start();
    await becomes("the agent is connected", () => line.sessions === 1);
    return line;
  }

  async publish(direction: Direction, n: number): Promise<void> {
    const at = systemClock.now();
    const event: EventDraft = {
      specversion: "1.0",
      id: `${direction}-${n}`,
      source: "/e2e",
      type: "e2e.load.v1",
      resourceid: `r${n % RESOURCES}_u1`,
      data: { n, body: BODY },
    };
    const accepted = await (direction === "down"
      ? this.principal.publish("edge", event)
      : this.agent.publish(event));
    this.events.accepted(direction, accepted, at);
  }

  async takeUp(): Promise<void> {
    await this.agent.stop({ graceMs: 100 });
    await this.principal.stop();
    await this.proxy.stop();
  }
}

function timingOf({ heartbeatIntervalMs = LINE.heartbeatIntervalMs }: LineOptions) {
  return {
    heartbeatIntervalMs,
    heartbeatTimeoutMs: Math.max(LINE.heartbeatTimeoutMs, 3 * heartbeatIntervalMs),
  };
}

/** A dial that nobody answers is given up sooner than by default. */
function impatient(dialer: Dialer): Dialer {
  return { ...dialer, dial: (options) => dialer.dial({ ...options, timeoutMs: LINE.dialTimeoutMs }) };
}
