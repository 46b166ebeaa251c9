import { createAgent, type Agent, type AgentState } from "@hawser/agent";
import { createMemoryStore, type Store } from "@hawser/store";
import type { Dialer } from "@hawser/transport";
import { createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { onTestFinished } from "vitest";
import type { AgentCall, HandMadePrincipal } from "../agent-call.js";
import { serveGrpc } from "../served-grpc.js";
import { serveWebSocket } from "../served-web-socket.js";
import type { LogLine } from "../service-process.js";
import { SteppedTime } from "../stepped-time.js";
import { DRAW, type ReconnectCase, type Wire } from "./reconnect-case.js";

/** Beyond every wait of the table. */
const LONGEST_WAIT_MS = 4_000_000;
/** A principal that is not expected to say anything for a day is not silent. */
const QUIET_MS = 86_400_000;

export interface Wait {
  /** From the end of the connection, which took no time, to the next dial, as the principal saw it come. */
  readonly waitedMs: number;
  readonly state: AgentState & { readonly kind: "waiting" };
  readonly line: LogLine;
}

/** A real agent against a principal written by hand: real sockets, virtual time. */
export class Stage {
  readonly time = new SteppedTime({ draw: DRAW });
  readonly principal: HandMadePrincipal;
  readonly agent: Agent;
  readonly #states: { readonly at: number; readonly state: AgentState }[] = [];
  readonly #wire: Wire;
  #waits = 0;
  #taken = 0;

  private constructor(wire: Wire, principal: HandMadePrincipal, store: Store) {
    this.principal = principal;
    this.#wire = wire;
    this.agent = createAgent({
      name: "edge-7",
      store,
      dialer: dialerTo(wire, principal, this.time),
      runtime: this.time.runtime,
      observer: { state: (state) => this.#states.push({ at: this.time.now(), state }) },
    });
  }

  static async set(wire: Wire): Promise<Stage> {
    const principal = await (wire === "gRPC" ? serveGrpc() : serveWebSocket());
    const store = createMemoryStore();
    await store.start();
    const stage = new Stage(wire, principal, store);
    onTestFinished(() => stage.#strike());
    return stage;
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
  async play({
    answer,
    livedMs,
    end,
    ...expected
  }: ReconnectCase): Promise<Wait & { readonly said: readonly string[] }> {
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
    const wait = await this.wait();
    const said = call?.wire ?? [];
    // A last word may still be on its way; that it never comes is for the caller to find.
    await this.time.until("all is said", () => said.length >= wire.length || undefined).catch(() => {});
    return { ...wait, said };
  }

  /** The next wait of the agent, up to the dial that ends it. */
  async wait(): Promise<Wait> {
    const found = await this.time.until("the agent waits", () => this.#nthWait(this.#waits));
    this.#waits += 1;
    const line = this.time.log.findLast(({ msg }) => msg.startsWith("not connected"));
    if (line === undefined) throw new Error("the agent logged nothing");
    await this.time.runUntil("the agent dials", () => this.#dialledSince(found.index), LONGEST_WAIT_MS);
    await this.time.until("the dial arrives", () => this.principal.connections > this.#waits || undefined);
    return { waitedMs: this.time.now() - found.at, state: found.state, line };
  }

  #nthWait(n: number): { at: number; index: number; state: AgentState & { kind: "waiting" } } | undefined {
    return this.#states.flatMap(({ at, state }, index) =>
      state.kind === "waiting" ? [{ at, index, state }] : [],
    )[n];
  }

  #dialledSince(index: number): boolean {
    return this.#states.slice(index).some(({ state }) => state.kind === "connecting");
  }

  async #strike(): Promise<void> {
    await this.principal.stop();
    const stopped = this.agent.stop({ graceMs: 0 }).then(() => true);
    let done: true | undefined;
    void stopped.then((value) => (done = value || undefined));
    await this.time.until("the agent stops", () => done);
  }
}

function dialerTo(wire: Wire, { host, port }: HandMadePrincipal, { runtime }: SteppedTime): Dialer {
  // Time leaps here, and an unanswered ping would be nobody's fault.
  const options = { runtime, keepAliveIntervalMs: 0 };
  if (wire === "gRPC") return createGrpcDialer({ target: `${host}:${port}`, ...options });
  return createWebSocketDialer({ url: `ws://${host}:${port}`, subprotocol: "cloudevents.json", ...options });
}
