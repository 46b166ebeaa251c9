import {
  CLOSE_CODES,
  HawserError,
  LIMITS,
  type ControlMessage,
  type Goodbye,
  type Hello,
} from "@hawser/protocol";
import { drawMaxAge } from "./connection-age.js";
import {
  establishedPrincipal,
  negotiateVersion,
  refuseOf,
  unsupportedVersion,
  welcomeOf,
} from "./handshake.js";
import { Liveness } from "./liveness.js";
import type {
  Acceptance,
  DrainOrder,
  PrincipalSessionOptions,
  PrincipalSessionState,
} from "./principal-session-state.js";
import type { EndCause } from "./session-end.js";
import { SessionMachine, type EndingState } from "./session-machine.js";
import type { SessionOutput } from "./session-output.js";
import { resolveSessionTiming, type SessionTiming } from "./session-timing.js";

type ActiveState = Exclude<PrincipalSessionState, EndingState>;

/**
 * The principal's half of one connection (PROTOCOL.md, Session). Calls go in with the time, outputs
 * come out; the caller carries them out in order.
 *
 * @throws HawserError `invalid_config` for impossible timing
 */
export class PrincipalSession extends SessionMachine {
  readonly #options: PrincipalSessionOptions;
  readonly #timing: SessionTiming;
  #active: ActiveState = { kind: "new" };

  constructor(options: PrincipalSessionOptions) {
    const timing = resolveSessionTiming(options.timing);
    super(timing.closeGraceMs);
    this.#options = options;
    this.#timing = timing;
  }

  get state(): PrincipalSessionState {
    return this.ending ?? this.#active;
  }

  /** Whether an event may be sent now. */
  get maySendEvents(): boolean {
    const { kind } = this.state;
    return kind === "open" || kind === "draining";
  }

  get mayReceiveEvents(): boolean {
    return this.maySendEvents;
  }

  /** The connection is up: the time for hello begins to run. */
  start(nowMs: number): SessionOutput[] {
    if (this.state.kind !== "new") return [];
    this.#active = { kind: "awaitingHello", deadlineMs: nowMs + this.#timing.handshakeTimeoutMs };
    return [];
  }

  /** A control message arrived. ACKs and NACKs are only checked against the state here. */
  receive(message: ControlMessage, nowMs: number): SessionOutput[] {
    if (this.ending !== undefined) return [];
    // A transport may deliver the hello before its driver has come to say `start`.
    this.start(nowMs);
    const state = this.#active;
    switch (state.kind) {
      case "awaitingHello":
        if (message.type === "hello") return this.#greeted(message, state.deadlineMs, nowMs);
        return this.illegal(message, nowMs);
      case "open":
      case "draining":
        if (message.type === "goodbye") return this.#goodbye(message, nowMs);
        return this.receiveWhileOpen(message, nowMs);
      case "parting":
        return this.receiveWhileOpen(message, nowMs);
      case "new":
      case "authenticating":
        return this.illegal(message, nowMs);
    }
  }

  /**
   * Lets the agent in. Answers nothing when the connection has come to its end meanwhile: then the
   * lease behind `epoch` is to be given back once `ended` is put out.
   */
  accept(acceptance: Acceptance, nowMs: number): SessionOutput[] {
    if (this.state.kind !== "authenticating") return [];
    const { hello, version } = this.state;
    const peer = establishedPrincipal(hello, acceptance, version);
    const { heartbeatIntervalMs: intervalMs, heartbeatTimeoutMs: timeoutMs } = this.#timing;
    const liveness = new Liveness({ intervalMs, timeoutMs }, this.#options.random, nowMs);
    const message = welcomeOf(this.#options, this.#timing, acceptance, version);
    const tooOldAtMs = drawMaxAge(this.#timing, this.#options.random, nowMs);
    this.#active = { kind: "open", peer, tooOldAtMs };
    return [{ kind: "send", message }, this.opened(peer, liveness, nowMs)];
  }

  /**
   * Turns the agent away: says why, and when to come back if `retryAfterMs` is given, then closes.
   * After `accept` it is too late for that and the session fails with the same error.
   */
  refuse(error: HawserError, retryAfterMs: number | undefined, nowMs: number): SessionOutput[] {
    if (this.ending !== undefined) return [];
    if (this.hasOpened) return this.fail(error, nowMs);
    const retryMs = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs);
    const cause: EndCause = { kind: "refused", error, retryAfterMs: retryMs };
    return [{ kind: "send", message: refuseOf(error, retryMs) }, ...this.closeFor(cause, nowMs)];
  }

  // Before the welcome, a refusal has room for a message that a close reason would cut.
  override fail(error: HawserError, nowMs: number): SessionOutput[] {
    return this.hasOpened ? super.fail(error, nowMs) : this.refuse(error, undefined, nowMs);
  }

  /** Asks the agent to leave and to come back at its slot. Only the first call has an effect. */
  drain(order: DrainOrder, nowMs: number): SessionOutput[] {
    if (this.ending !== undefined || this.drainNotice !== undefined) return [];
    const slotMs = Math.ceil(order.slotMs);
    const windowMs = Math.ceil(order.windowMs);
    const state = this.#active;
    if (!this.hasOpened) return this.refuse(new HawserError("draining", order.reason), slotMs, nowMs);
    this.drainNotice = { slotMs, windowMs, atMs: nowMs };
    const deadlineMs = nowMs + this.#timing.closeGraceMs;
    if (state.kind === "open") this.#active = { kind: "draining", peer: state.peer, deadlineMs };
    const reason = order.reason.slice(0, LIMITS.maxReasonLength);
    const message = { type: "drain", reason, window_ms: windowMs, reconnect_after_ms: slotMs } as const;
    return [{ kind: "send", message }];
  }

  /** A newer session of the same agent holds the mailbox: this one has to go. */
  superseded(nowMs: number): SessionOutput[] {
    if (this.ending !== undefined) return [];
    const what = "a newer session of this agent took over";
    const error = new HawserError("superseded", what);
    return this.close(CLOSE_CODES.superseded, what, { kind: "superseded", error }, nowMs);
  }

  protected get cause(): EndCause | undefined {
    return this.#active.kind === "parting" ? this.#active.cause : undefined;
  }

  protected get deadlineMs(): number | undefined {
    if (this.#active.kind === "open") return this.#active.tooOldAtMs;
    return "deadlineMs" in this.#active ? this.#active.deadlineMs : undefined;
  }

  protected onDeadline(nowMs: number): SessionOutput[] {
    switch (this.#active.kind) {
      case "new":
        return [];
      case "open": {
        const reason = "this session has reached its maximum age";
        return this.drain({ windowMs: 0, slotMs: 0, reason }, nowMs);
      }
      case "awaitingHello":
        return this.handshakeTimedOut("hello", this.#timing.handshakeTimeoutMs, nowMs);
      case "authenticating":
        return this.#undecided(nowMs);
      case "draining":
        return this.close(CLOSE_CODES.goingAway, "the drain notice was not answered", undefined, nowMs);
      case "parting": {
        const what = "the agent said goodbye and did not close in time";
        const error = new HawserError("timeout", what);
        return this.terminate(error, { kind: "silent", error });
      }
    }
  }

  #greeted(hello: Hello, deadlineMs: number, nowMs: number): SessionOutput[] {
    const version = negotiateVersion(hello.protocol_versions);
    if (version === undefined) return this.refuse(unsupportedVersion(hello), undefined, nowMs);
    this.#active = { kind: "authenticating", hello, version, deadlineMs };
    return [{ kind: "authenticate", hello }];
  }

  #goodbye({ reason }: Goodbye, nowMs: number): SessionOutput[] {
    // The agent's finishing and its close have a grace each; both run here.
    const deadlineMs = nowMs + 2 * this.#timing.closeGraceMs;
    this.#active = { kind: "parting", cause: { kind: "goodbye", reason }, deadlineMs };
    return [{ kind: "quiesce" }, { kind: "send", message: { type: "goodbye_ack" } }];
  }

  // The agent did its part: it is asked to try again.
  #undecided(nowMs: number): SessionOutput[] {
    return this.refuse(new HawserError("overloaded", "the hello was not answered in time"), undefined, nowMs);
  }
}
