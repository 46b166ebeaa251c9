import { HawserError } from "@hawser/protocol";
import { seededRandom, type Random } from "@hawser/runtime";
import { AgentSession } from "../agent-session.js";
import { PrincipalSession } from "../principal-session.js";
import { ReconnectPolicy } from "../reconnect-policy.js";
import { Agenda } from "./agenda.js";
import { SessionDriver } from "./session-driver.js";
import { LOST, StreamEnd } from "./simulated-stream.js";

const TIMING = {
  handshakeTimeoutMs: 10_000,
  heartbeatIntervalMs: 5_000,
  heartbeatTimeoutMs: 15_000,
  rotationMinMs: 30_000,
  rotationMaxMs: 90_000,
  closeGraceMs: 10_000,
};
const RECONNECT = { backoffMaxMs: 20_000 };

/**
 * Once one side is gone, or no byte passes, the other side notices within its limit of silence; if it began to close just before (a takeover, a failure),
 * the grace of that close comes on top, and a message's way.
 */
export const END_BOUND_MS = 2 * TIMING.heartbeatTimeoutMs + TIMING.closeGraceMs + 500;

export interface Connection {
  readonly agent: SessionDriver<AgentSession>;
  readonly principal: SessionDriver<PrincipalSession>;
  /** Since when it can only end. */
  brokenAtMs: number | undefined;
}

/** One agent that keeps a connection to one principal, as the two packages above would, and what can go wrong between them. */
export class SessionWorld {
  readonly agenda = new Agenda();
  readonly connections: Connection[] = [];
  readonly delays: number[] = [];
  faults = false;
  stopped = false;
  readonly #random: Random;
  readonly #policy: ReconnectPolicy;
  readonly #live = new Set<Connection>();
  #epoch = 0;
  #holder: SessionDriver<PrincipalSession> | undefined;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#policy = new ReconnectPolicy({ random: this.#random, timing: RECONNECT });
    this.dial();
  }

  get current(): Connection | undefined {
    return this.connections.at(-1);
  }

  /** There is a connection that works, open on both sides. */
  get converged(): boolean {
    const connection = this.current;
    if (connection === undefined || connection.brokenAtMs !== undefined) return false;
    const { agent, principal } = connection;
    return agent.session.state.kind === "open" && principal.session.state.kind === "open";
  }

  run(forMs: number): void {
    this.agenda.run(this.agenda.nowMs + forMs, () => this.#check());
  }

  dial(): void {
    if (this.stopped) return;
    if (this.faults && this.#random.next() < 0.1) {
      const error = new HawserError("connection_failed", "refused");
      this.#reconnect(this.#policy.next({ kind: "dialFailed", error }, this.agenda.nowMs).delayMs);
      return;
    }
    const connection = this.#connect();
    this.connections.push(connection);
    this.#live.add(connection);
  }

  /** Does something bad to the connection there is. */
  harm(): void {
    const connection = this.current;
    if (connection === undefined || this.#isOver(connection)) return;
    const { agent, principal } = connection;
    const { nowMs } = this.agenda;
    const harms = [
      () => this.#cut(connection),
      () => this.#silence(connection, true, true),
      () => this.#silence(connection, true, false),
      () => this.#silence(connection, false, true),
      () => agent.fail(),
      () => principal.fail(),
      () => agent.drive((session) => session.goodbye("rotation", nowMs)),
      () => this.drain(),
      () => [this.drain(), agent.drive((session) => session.goodbye("rotation", nowMs))],
      () => this.dial(),
    ];
    harms[Math.floor(this.#random.next() * harms.length)]?.();
  }

  drain(): void {
    const slotMs = this.#random.next() * 5_000;
    const order = { windowMs: 5_000, slotMs, reason: "restart" };
    this.current?.principal.drive((session, nowMs) => session.drain(order, nowMs));
  }

  draw(maxMs: number): number {
    return this.#random.next() * maxMs;
  }

  #connect(): Connection {
    const random = this.#random;
    const ends = { agent: new StreamEnd(this.agenda, random), principal: new StreamEnd(this.agenda, random) };
    const agent: SessionDriver<AgentSession> = new SessionDriver(
      new AgentSession({ agent: "a", store: "sa", window: 4, software: "sim", random, timing: TIMING }),
      ends.agent,
      this.agenda,
      random,
      {
        authenticate: () => undefined,
        opened: () => this.#policy.opened(this.agenda.nowMs),
        ended: (end) => {
          this.#broken(connection);
          // Another dial of the same agent may be under way: only the newest connection's end leads to a new one.
          if (this.current === connection) this.#reconnect(this.#policy.next(end, this.agenda.nowMs).delayMs);
        },
      },
    );
    const principal: SessionDriver<PrincipalSession> = new SessionDriver(
      new PrincipalSession({ store: "sp", window: 4, software: "sim", random, timing: TIMING }),
      ends.principal,
      this.agenda,
      random,
      {
        authenticate: () => this.agenda.after(this.draw(300), () => this.#decide(principal)),
        opened: () => undefined,
        ended: () => this.#broken(connection),
      },
    );
    const connection: Connection = { agent, principal, brokenAtMs: undefined };
    ends.agent.connect(ends.principal, {
      frame: (frame) => agent.frame(frame),
      ended: (end) => agent.transportEnded(end),
    });
    ends.principal.connect(ends.agent, {
      frame: (frame) => principal.frame(frame),
      ended: (end) => principal.transportEnded(end),
    });
    this.agenda.after(this.draw(100), () => principal.drive((session, nowMs) => session.start(nowMs)));
    this.agenda.after(this.draw(100), () => agent.drive((session, nowMs) => session.start(nowMs, 0)));
    return connection;
  }

  #decide(principal: SessionDriver<PrincipalSession>): void {
    const fate = this.faults ? this.#random.next() : 1;
    if (fate < 0.03) return;
    if (fate < 0.1) {
      const retryAfterMs = fate < 0.06 ? this.draw(5_000) : undefined;
      const error = new HawserError("overloaded", "too many handshakes");
      principal.drive((session, nowMs) => session.refuse(error, retryAfterMs, nowMs));
      return;
    }
    this.#epoch += 1;
    const acceptance = { sessionId: `s-${this.#epoch}`, epoch: this.#epoch, settled: 0 };
    const before = this.#holder;
    this.#holder = principal;
    before?.drive((session, nowMs) => session.superseded(nowMs));
    principal.drive((session, nowMs) => session.accept(acceptance, nowMs));
  }

  #reconnect(delayMs: number): void {
    this.delays.push(delayMs);
    this.agenda.after(delayMs, () => this.dial());
  }

  #cut(connection: Connection): void {
    this.#silence(connection, true, true);
    for (const { stream } of [connection.agent, connection.principal])
      this.agenda.after(this.draw(1_000), () => stream.end(LOST));
  }

  #silence(connection: Connection, fromAgent: boolean, fromPrincipal: boolean): void {
    if (fromAgent) connection.agent.stream.silent = true;
    if (fromPrincipal) connection.principal.stream.silent = true;
    // A second fault takes away what was still heard: from then on it counts.
    connection.brokenAtMs = this.agenda.nowMs;
  }

  #broken(connection: Connection): void {
    connection.brokenAtMs ??= this.agenda.nowMs;
  }

  #isOver({ agent, principal }: Connection): boolean {
    return agent.end !== undefined && principal.end !== undefined;
  }

  #check(): void {
    let sending = 0;
    for (const connection of this.#live) {
      const { agent, principal, brokenAtMs } = connection;
      if (this.#isOver(connection)) this.#live.delete(connection);
      if (principal.session.maySendEvents) sending += 1;
      if (principal.session.maySendEvents && principal !== this.#holder)
        throw new Error("a session without the mailbox may send");
      const overdue = brokenAtMs !== undefined && this.agenda.nowMs > brokenAtMs + END_BOUND_MS;
      if (overdue && !this.#isOver(connection))
        throw new Error(
          `half open: agent ${agent.session.state.kind}, principal ${principal.session.state.kind}`,
        );
    }
    if (sending > 1) throw new Error("two sessions of one agent may send at once");
  }
}
