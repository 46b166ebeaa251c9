import { createAgent, type Agent, type AgentState } from "@hawser/agent";
import { createMemoryStore, type Store } from "@hawser/store";
import { defined, type Runtime } from "@hawser/runtime";
import type { Dialer, StreamOptions } from "@hawser/transport";
import { createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { onTestFinished } from "vitest";
import type { AgentCall, HandMadePrincipal } from "../agent-call.js";
import { serveGrpc } from "../served-grpc.js";
import { serveWebSocket } from "../served-web-socket.js";
import type { LogLine } from "../service-process.js";
import { SteppedTime } from "../stepped-time.js";
import { DRAW, type ReconnectCase, type TestAgentParts, type Wire } from "./reconnect-case.js";

/** Beyond every wait of the table. */
const LONGEST_WAIT_MS = 4_000_000;
/** A principal that is not expected to say anything for a day is not silent. */
const QUIET_MS = 86_400_000;

export interface Wait {
  readonly state: AgentState & { readonly kind: "waiting" };
  /** What the agent logged about it. */
  readonly line: LogLine;
  readonly at: number;
}

/** What `run` saw of one end. */
export interface EndOutcome extends Wait {
  /** What was said about it on the wire. */
  readonly said: readonly string[];
  /** From the end of the connection, which took no time, to the next dial, as the principal saw it come. */
  readonly waitedMs: number;
}

/** A real agent against a principal written by hand: real sockets, virtual time. */
export class TestAgent {
  readonly time = new SteppedTime({ draw: DRAW });
  readonly principal: HandMadePrincipal;
  readonly agent: Agent;
  readonly #states: { readonly at: number; readonly state: AgentState }[] = [];
  readonly #wire: Wire;
  #waited = 0;
  #taken = 0;

  private constructor(
    wire: Wire,
    principal: HandMadePrincipal,
    parts: TestAgentParts & { readonly store: Store },
  ) {
    this.principal = principal;
    this.#wire = wire;
    this.agent = createAgent({
      name: "edge-7",
      ...defined({ onEvent: parts.onEvent, window: parts.window }),
      store: parts.store,
      dialer: dialerTo(
        wire,
        { host: principal.host, port: parts.port ?? principal.port },
        { runtime: this.time.runtime, ...defined({ limits: parts.limits }) },
      ),
      runtime: this.time.runtime,
      observer: { ...parts.observer, state: (state) => this.#states.push({ at: this.time.now(), state }) },
    });
  }

  static async start(wire: Wire, parts: TestAgentParts = {}): Promise<TestAgent> {
    const principal = await (wire === "gRPC" ? serveGrpc() : serveWebSocket());
    const store = parts.store ?? createMemoryStore();
    const subject = new TestAgent(wire, principal, { ...parts, store });
    onTestFinished(() => subject.#stop());
    return subject;
  }

  /** The next connection of the agent that became a stream, once it has said hello. */
  async call(): Promise<AgentCall> {
    const call = await this.time.until("the agent calls", () => this.principal.calls[this.#taken]);
    this.#taken += 1;
    await this.time.until("the agent says hello", () => call.heard("hello"));
    return call;
  }

  /** Opens a session and lets it live. */
  async session(livedMs: number, terms: Parameters<AgentCall["welcome"]>[0] = {}): Promise<AgentCall> {
    const call = await this.call();
    call.welcome({ heartbeat_interval_ms: QUIET_MS, heartbeat_timeout_ms: QUIET_MS, ...terms });
    await this.time.until("the agent is connected", () => this.agent.state.kind === "connected" || undefined);
    await this.time.advance(livedMs);
    return call;
  }

  /** One end, and the wait after it. */
  async run({ answer, livedMs, end, ...expected }: ReconnectCase): Promise<EndOutcome> {
    const wire = expected.wire[this.#wire];
    this.principal.answer = answer;
    if (this.agent.state.kind === "stopped") await this.agent.start();
    const call =
      answer !== undefined
        ? undefined
        : livedMs === undefined
          ? await this.call()
          : await this.session(livedMs);
    if (call !== undefined) await end?.({ call, agent: this.agent, time: this.time });
    const wait = await this.waiting();
    const said = call?.wire ?? [];
    // A last word may still be on its way, and time that leaps would cut it off; that it never comes is for the caller to find.
    await this.time.until("all is said", () => said.length >= wire.length || undefined).catch(() => {});
    const waitedMs = await this.redial(wait);
    await this.arrival();
    return { ...wait, said, waitedMs };
  }

  /** The agent has begun to wait, once more than this was asked before. */
  async waiting(): Promise<Wait> {
    const wait = await this.time.until("the agent waits", () => this.#waits()[this.#waited]);
    this.#waited += 1;
    const line = this.time.log.findLast(({ msg }) => msg.startsWith("not connected"));
    if (line === undefined) throw new Error("the agent logged nothing");
    return { ...wait, line };
  }

  /** Moves time to the dial that ends the wait; answers how much that was. */
  async redial(wait: Wait): Promise<number> {
    const dialled = (): boolean => this.#dials() > this.#waited;
    await this.time.runUntil("the agent dials", dialled, LONGEST_WAIT_MS);
    return this.time.now() - wait.at;
  }

  /** The dial has come to the principal. */
  async arrival(): Promise<void> {
    await this.time.until("the dial arrives", () => this.principal.connections > this.#waited || undefined);
  }

  #waits(): readonly Omit<Wait, "line">[] {
    return this.#states.flatMap(({ at, state }) => (state.kind === "waiting" ? [{ at, state }] : []));
  }

  #dials(): number {
    return this.#states.filter(({ state }) => state.kind === "connecting").length;
  }

  async #stop(): Promise<void> {
    await this.principal.stop();
    const stopped = this.agent.stop({ graceMs: 0 }).then(() => true);
    let done: true | undefined;
    void stopped.then((value) => (done = value || undefined));
    await this.time.until("the agent stops", () => done);
  }
}

function dialerTo(
  wire: Wire,
  { host, port }: Pick<HandMadePrincipal, "host" | "port">,
  how: Pick<StreamOptions, "limits"> & { readonly runtime: Runtime },
): Dialer {
  // Time leaps here, and an unanswered ping would be nobody's fault.
  const options = { ...how, keepAliveIntervalMs: 0 };
  if (wire === "gRPC") return createGrpcDialer({ url: `grpc://${host}:${port}`, ...options });
  return createWebSocketDialer({ url: `ws://${host}:${port}`, subprotocol: "cloudevents.json", ...options });
}
